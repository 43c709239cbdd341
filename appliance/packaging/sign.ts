// The project's own signature under SHA256SUMS: Ed25519, in the form that openssl checks without anything of ours.
//
//   sign.ts key FILE                makes a key (PEM, PKCS 8) that nobody else can read, and FILE.pub
//   sign.ts sign FOLDER KEY         checks FOLDER/SHA256SUMS, writes SHA256SUMS.sig, and SHA256SUMS.pub beside it
//   sign.ts verify FOLDER PUBLIC    says whether the signature and every sum hold
//
// By hand:  openssl pkeyutl -verify -pubin -inkey PUBLIC -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig
//           sha256sum --check SHA256SUMS
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeSigningKey } from '../../src/content/index.ts';

const SUMS = 'SHA256SUMS';

/** The first file whose sum does not hold. */
function wrongSum(folder: string): string | undefined {
  for (const line of readFileSync(join(folder, SUMS), 'utf8').split('\n').filter(Boolean)) {
    const [, sum, name = ''] = /^([0-9a-f]{64}) {2}([\w.+~-]+)$/.exec(line) ?? [];
    if (
      sum !==
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex')
    )
      return name || line;
  }
  return undefined;
}

function main([verb, at = '', key = '']: readonly string[]): string | undefined {
  if (verb === 'key' && at !== '') {
    const made = makeSigningKey(at);
    return made.ok ? undefined : made.fault.message;
  }
  if ((verb !== 'sign' && verb !== 'verify') || key === '') return 'key FILE | sign FOLDER KEY | verify FOLDER PUBLIC';
  const wrong = wrongSum(at);
  if (wrong !== undefined) return `${wrong}: is not what ${SUMS} says`;
  const sums = readFileSync(join(at, SUMS));
  if (verb === 'sign') {
    const secret = createPrivateKey(readFileSync(key));
    if (secret.asymmetricKeyType !== 'ed25519') return `${key}: is no Ed25519 key`;
    writeFileSync(join(at, `${SUMS}.sig`), sign(null, sums, secret));
    writeFileSync(join(at, `${SUMS}.pub`), createPublicKey(secret).export({ type: 'spki', format: 'pem' }));
    return undefined;
  }
  const isOurs = verify(null, sums, createPublicKey(readFileSync(key)), readFileSync(join(at, `${SUMS}.sig`)));
  return isOurs ? undefined : `${SUMS}: was not signed with this key, or was changed`;
}

const fault = main(process.argv.slice(2));
if (fault !== undefined) {
  console.error(`sign: ${fault}`);
  process.exitCode = 1;
}

// Signing in: the first time with the code from the terminal and a password to be, later with the password.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { post, type Trouble } from './http.ts';
import { Fault } from './text.tsx';

export function Login({ isFirst, onDone }: { isFirst: boolean; onDone: () => void }): VNode {
  const [fault, setFault] = useState<Trouble>();
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    setBusy(true);
    const got = await post('/api/login', {
      ...{ password: form.get('password') ?? '', code: form.get('code') ?? undefined, name: form.get('name') ?? '' },
    });
    setBusy(false);
    if (got.ok) onDone();
    else setFault(got.fault);
  };
  return (
    <main class="login">
      <h1>Catenary</h1>
      <form onSubmit={(event) => void submit(event)}>
        {isFirst ? (
          <>
            <p>Nobody has signed in yet. The code was printed where the console was started.</p>
            <label for="code">First code</label>
            <input id="code" name="code" class="mono" autocomplete="one-time-code" spellcheck={false} required />
            <label for="password">Choose a password, 12 characters or more</label>
          </>
        ) : (
          <label for="password">Password</label>
        )}
        <input
          {...{ id: 'password', name: 'password', type: 'password', required: true, maxLength: 256 }}
          minLength={isFirst ? 12 : 1}
          autocomplete={isFirst ? 'new-password' : 'current-password'}
        />
        <label for="name">Your name, for the history of alerts</label>
        <input id="name" name="name" autocomplete="nickname" maxLength={64} placeholder="optional" dir="auto" />
        <button type="submit" class="main" disabled={isBusy}>
          {isBusy ? 'Checking' : isFirst ? 'Set password and sign in' : 'Sign in'}
        </button>
        {fault === undefined ? null : <Fault fault={fault} />}
      </form>
    </main>
  );
}

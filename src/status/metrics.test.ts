import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { METRICS_TYPE, metricsText, serveMetrics } from './metrics.ts';
import { quiet, well } from './testing.ts';

describe('status: for Prometheus', () => {
  it('every line is a comment or a sample, each name declared once', () => {
    const text = metricsText({ ...well, interfaces: [quiet, { ...quiet, name: 'e"2\\' }] });
    const declared = new Map<string, string>();
    for (const line of text.trimEnd().split('\n')) {
      const type = /^# TYPE (\w+) (counter|gauge)$/.exec(line);
      if (type !== null) {
        assert.ok(!declared.has(type[1] as string), line);
        declared.set(type[1] as string, type[2] as string);
      } else if (!line.startsWith('# HELP ')) {
        const sample = /^(catenary_[a-z_]+)(?:\{interface="(?:[^"\\]|\\["\\n])*"\})? -?\d+(?:\.\d+)?(?:e\+\d+)?$/.exec(
          line,
        );
        const how = declared.get(sample?.[1] ?? '');
        assert.ok(how !== undefined, line);
        assert.equal(how === 'counter', sample?.[1]?.endsWith('_total'), line);
      }
    }
    assert.match(text, /^catenary_packets_total\{interface="eth1"\} 1234567890$/m);
    assert.match(text, /^catenary_packets_total\{interface="e\\"2\\\\"\} /m);
    assert.match(text, /^catenary_collector_connected 1$/m);
  });

  it('what is not known is left out, not zero', () => {
    const text = metricsText({ ...well, disk: null, interfaces: [{ ...quiet, coverage: null }] });
    assert.doesNotMatch(text, /disk_free|coverage/);
  });

  it('is asked by HTTP, for this alone; a port that is taken is told', async () => {
    const served = await serveMetrics('127.0.0.1:0', () => well);
    assert.ok(served.ok);
    const { port } = served.value.address() as AddressInfo;
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
      assert.equal(answer.headers.get('content-type'), METRICS_TYPE);
      assert.equal(await answer.text(), metricsText(well));
      for (const [path, method] of [
        ['/status', 'GET'],
        ['/metrics', 'POST'],
      ] as const)
        assert.equal((await fetch(`http://127.0.0.1:${port}${path}`, { method })).status, 404);
      const again = await serveMetrics(`127.0.0.1:${port}`, () => well);
      assert.ok(!again.ok);
      assert.match(again.fault.message, /EADDRINUSE/);
    } finally {
      served.value.closeAllConnections();
      served.value.close();
    }
  });
});

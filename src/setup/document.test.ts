import assert from 'node:assert/strict';
import { withSettings } from './document.ts';

const text = (outcome: ReturnType<typeof withSettings>): string => {
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome.value;
};

describe('setup: the configuration it writes', () => {
  it('keeps what a person wrote, with its comments', () => {
    const before = '# ours\nsensor:\n  filter: not port 22 # the backup\n  interfaces: [eth0]\n';
    const after = text(withSettings(before, 'c.yaml', [[['sensor', 'interfaces'], ['eth1']]]));
    assert.match(after, /^# ours\nsensor:\n {2}filter: not port 22 # the backup\n/);
    assert.match(after, /eth1/);
    assert.doesNotMatch(after, /eth0/);
  });

  it('run again with the same, changes nothing', () => {
    const once = text(withSettings('', 'c.yaml', [[['state', 'dir'], '/var/lib/x']]));
    assert.equal(text(withSettings(once, 'c.yaml', [[['state', 'dir'], '/var/lib/x']])), once);
    assert.match(once, /^# yaml-language-server/);
  });

  it('refuses what is no configuration, before and after', () => {
    const broken = withSettings('sensor: 5\n', 'c.yaml', []);
    assert.ok(!broken.ok);
    assert.match(broken.fault.message, /^c\.yaml:1:9: sensor: must be a group of settings/);
    const name = withSettings('', 'c.yaml', [[['sensor', 'name'], 'No Name']]);
    assert.ok(!name.ok);
    assert.match(name.fault.message, /sensor\.name: "No Name" is no name of a sensor/);
  });
});

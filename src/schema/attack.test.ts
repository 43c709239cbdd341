import assert from 'node:assert/strict';
import { TECHNIQUES, techniqueFault } from './attack.ts';

describe('attack: ids of techniques', () => {
  it('knows techniques and sub-techniques, and the holes between them', () => {
    for (const id of ['T1001', 'T1071.001', 'T1071.005', 'T1027.017', 'T1574.001', 'T1574.004', 'T1681'])
      assert.equal(techniqueFault(id), undefined, id);
    // Retired, or never there: the number before and the one after are.
    for (const id of ['T1002', 'T1053.001', 'T1053.004', 'T1055.006', 'T1562.005', 'T1574.002', 'T1547.011'])
      assert.notEqual(techniqueFault(id), undefined, id);
    assert.equal(TECHNIQUES.size, 691);
    for (const id of TECHNIQUES) assert.match(id, /^T1\d{3}(\.\d{3})?$/);
  });

  it('says what there is instead', () => {
    assert.match(techniqueFault('T1071.009')?.hint ?? '', /T1071 has T1071\.001 to T1071\.005/);
    assert.match(techniqueFault('T1105.001')?.hint ?? '', /T1105 has no sub-techniques/);
    assert.match(techniqueFault('t1105')?.hint ?? '', /T1071 or T1071\.001/);
    assert.match(techniqueFault('T1999')?.hint ?? '', /replaces/);
  });
});

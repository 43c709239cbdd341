// What a service can say, by the id that the system's journal has it under: `journalctl MESSAGE_ID=...` finds all of a
// kind over years, whatever the words were. appliance/systemd/catenary.catalog explains each. Ids never change.

/** syslog(3): 3 error, 4 warning, 5 notice, 6 information. */
export const TOPICS = {
  started: { id: '2f93050dd06a4e3081ebf65869f36a37', priority: 6 },
  stopped: { id: '0466df834c124d779cb9ae48990574a4', priority: 6 },
  alert: { id: '2e9ad26e6cb444648a7cd0eec3154470', priority: 5 },
  configuration: { id: '98b0344cc6a34227896f811ab8c5f481', priority: 6 },
  content: { id: '3b9f1c38bd784df0addfe1f06183da81', priority: 5 },
  collector: { id: '1e310d336c9247a1b703c308f74bcc94', priority: 6 },
  store: { id: 'bd4a061ab8da4820853b790585029184', priority: 5 },
  code: { id: 'eca118dccd494983bc82c7cc2a3c079d', priority: 6 },
  packets: { id: 'c8869757e75c41a5b72df13e1828b239', priority: 4 },
  fetched: { id: '10f7738d89fe4590868998a7766dd3b4', priority: 5 },
  refused: { id: '04d428a8738e486bb9a4e12b27f97724', priority: 4 },
  fault: { id: '1a9cdefa32a64fecbb2e7c2a6716b911', priority: 4 },
  note: { id: '8ee3dabe2bc34b20a4a203a6b76b9559', priority: 6 },
} as const;
export type Topic = keyof typeof TOPICS;

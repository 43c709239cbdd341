// Whether a sensor does as well with a new pack as it did before: looked at every few seconds while one is on trial.

export interface Vitals {
  /** Batches in the spool that detection has not taken. */
  readonly waiting: number;
  /** Alerts since the start. */
  readonly alerts: number;
  /** Of what packs brought: chains and lists that were left out, and packs that are not as they were signed. */
  readonly faults: number;
}

/** A detection that is so many batches behind, and falls further behind, does not keep up. */
const WAITING_MIN = 500;
const LOOKS = 6;

export class Health {
  private readonly before: Vitals;
  private readonly alertsMax: number;
  private behind = 0;
  private last: number;

  /** @param before  when the pack was taken. @param alertsMax  more than a person wants to be called for */
  constructor(before: Vitals, alertsMax: number) {
    this.before = before;
    this.alertsMax = alertsMax;
    this.last = before.waiting;
  }

  /** What is wrong; undefined: nothing so far. */
  look(now: Vitals): string | undefined {
    if (now.faults > 0) return `${now.faults} of what it brought cannot be used`;
    const alerts = now.alerts - this.before.alerts;
    if (alerts > this.alertsMax) return `${alerts} alerts while it was on trial, ${this.alertsMax} are the most`;
    const isWorse = now.waiting > WAITING_MIN && now.waiting > this.last && now.waiting > 2 * this.before.waiting;
    this.behind = isWorse ? this.behind + 1 : 0;
    this.last = now.waiting;
    return this.behind >= LOOKS ? `detection is ${now.waiting} batches behind, and falls further` : undefined;
  }
}

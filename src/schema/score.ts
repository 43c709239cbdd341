// How alerts are weighed: severity is how bad it would be, confidence how sure, the score what the queue is sorted by.
// One place, so that whoever computes it and whoever explains it say the same.

export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Of 100. */
export const WEIGHTS: Readonly<Record<Severity, number>> = { info: 10, low: 30, medium: 55, high: 80, critical: 100 };
/** Of the confidence that stays when something was not known or not seen. */
export const RESERVATION = 0.75;

const rounded = (n: number, digits: number): number => Number(n.toFixed(digits));

/** @param weakest  the least score of the signals among the steps, 1 without one */
export const confidence = (weakest: number, reservations: number): number =>
  rounded(weakest * RESERVATION ** reservations, 3);

/** Half of the place in the queue is how bad it would be, the rest is how sure. */
export const score = (severity: Severity, confident: number): number =>
  rounded(WEIGHTS[severity] * (0.5 + 0.5 * confident), 1);

/** The sum as a person can do it again. */
export function scoreText(severity: string, confident: number, reservations: number): readonly string[] {
  const weight = WEIGHTS[severity as Severity];
  if (weight === undefined) return [];
  const weakest = rounded(confident / RESERVATION ** reservations, 3);
  const lines = [`Severity ${severity}: ${weight} of 100 if it is true.`];
  if (reservations === 0)
    lines.push(`Confidence ${confident}: the weakest signal among its steps; 1 where there is none.`);
  else
    lines.push(
      `Confidence ${confident}: ${weakest} by the weakest signal, times ${RESERVATION} for each of ${reservations} ` +
        `${reservations === 1 ? 'reservation' : 'reservations'}.`,
    );
  lines.push(`Score: ${weight} × (½ + ½ × ${confident}) = ${score(severity as Severity, confident)}.`);
  return lines;
}

// Where a partial stands among the groups of its rule.
import type { Partial } from './partial.ts';
import type { Group, Rule } from './rule.ts';

/** Whether `group` can be what comes next: nothing of an earlier one is half met, and those between are optional. */
export function leads(rule: Rule, p: Readonly<Partial>, group: number): boolean {
  return (p.met === 0 || group === p.next) && reaches(rule, p.next, group);
}

/** Whether one that waits for group `next` may skip to this one. */
export function reaches(rule: Rule, next: number, group: number): boolean {
  if (group < next) return false;
  for (let g = next; g < group; g++) if (rule.groups[g]?.optional !== true) return false;
  return true;
}

/** Whether `p` waits for this step of this group. */
export function accepts(rule: Rule, p: Readonly<Partial>, group: number, member: number): boolean {
  if (!leads(rule, p, group) || p.barred.includes(group)) return false;
  return group !== p.next || (p.met & (1 << member)) === 0;
}

/** When it ends unless it goes on: by the window, by what may come next, or by the absence at the end [us]. */
export function deadlineOf(p: Partial, rule: Rule): number {
  if (p.next === rule.groups.length) return p.base + (rule.trailing?.lasting ?? 0);
  let within = 0;
  for (let g = p.next; g < rule.groups.length && leads(rule, p, g); g++)
    within = Math.max(within, (rule.groups[g] as Group).within);
  return Math.min(p.first + rule.window, p.base + within);
}

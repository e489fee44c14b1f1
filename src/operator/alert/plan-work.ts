import { EngineError } from '../../error/engine-error.ts';
import type { Engines } from '../engines.ts';
import type { Maintenance, MaintenanceStore } from './maintenance.ts';

export interface PlanParts {
  readonly maintenance: MaintenanceStore;
  readonly engines: Pick<Engines, 'describe'>;
}

const DAY = 86_400_000;
/** Nobody plans for longer; what lasts longer is no maintenance, and would be forgotten. */
const LONGEST = 31 * DAY;

/** Plans work on hosts, or on the whole production if none is named. */
export async function planWork(
  { maintenance, engines }: PlanParts,
  { hosts: named, ...work }: Omit<Maintenance, 'id'>,
): Promise<Maintenance> {
  checkSpan(work, Date.now());
  if (work.reason.trim() === '')
    throw new EngineError('QUERY_INVALID', 'planned work has a reason for others to see: say why');
  const hosts = [...new Set(named)];
  if (hosts.length > 0) {
    // for a mistyped name the alerts would still go out
    const known = new Set((await engines.describe()).hosts.map(({ name }) => name));
    const unknown = hosts.find((one) => !known.has(one));
    if (unknown !== undefined) throw new EngineError('HOST_UNKNOWN', `there is no host ${unknown}`);
  }
  return maintenance.plan({ hosts, ...work });
}

/** Changes when planned work ends; a time that is past, or before it begins, ends it now. */
export async function endWork(
  { maintenance }: Pick<PlanParts, 'maintenance'>,
  id: number,
  wanted: number,
): Promise<Maintenance> {
  const now = Date.now();
  const known = await maintenance.find(id);
  // "now" of a browser may be some seconds ahead of ours
  const to = wanted <= Math.max(now, known?.from ?? now) ? now : wanted;
  if (known !== undefined && to > now) checkSpan({ from: known.from, to }, now);
  if (known === undefined || !(await maintenance.move(id, to, now)))
    throw new EngineError('NOT_FOUND', `there is no planned work ${id}, or it is over`);
  return { ...known, to };
}

function checkSpan({ from, to }: Pick<Maintenance, 'from' | 'to'>, now: number): void {
  if (to > from && to > now && to - from <= LONGEST) return;
  throw new EngineError(
    'QUERY_INVALID',
    'planned work must end after it begins, in the future, and within 31 days',
  );
}

/** What planned work is about, as the audit log names it. */
export const workOn = (hosts: readonly string[]): string =>
  hosts.length === 0 ? 'production' : `host ${hosts.join(', ')}`;

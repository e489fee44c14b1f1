import { metaDatabase } from '../../src/access/meta/open-meta.ts';
import { alertStore } from '../../src/operator/alert/alert-store.ts';
import { maintenanceStore } from '../../src/operator/alert/maintenance.ts';
import { jobStore } from '../../src/operator/job/stored-jobs.ts';
import { orderer } from './orderer.ts';

/**
 * What operations of the API with an `{id}` can act on, by the first part of their path: all of it is about `hl7-out`.
 *
 * @param message one that is traced
 */
export async function actedOn(
  data: string,
  message: number,
): Promise<Readonly<Record<string, number>>> {
  await using meta = await metaDatabase({ data });
  const host = 'hl7-out';
  const now = Date.now();
  const found = {
    rule: 'silent',
    object: `host ${host}`,
    host,
    level: 'warn',
    text: 'it is silent',
  };
  const { alert } = await alertStore(meta).see(found as never, now);
  const by = orderer('root');
  const order = { type: 'resend', orderer: by, reason: 'x', target: undefined } as const;
  const job = await jobStore(meta).add({ ...order, ids: [message] });
  const planned = { hosts: [host], from: 0, to: now + 3_600_000, reason: 'x', by: 'root' };
  const work = await maintenanceStore(meta).plan(planned);
  return {
    messages: message,
    sessions: message,
    storage: message,
    jobs: job.id,
    alerts: alert.id,
    maintenance: work.id,
  };
}

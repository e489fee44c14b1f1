import { auditLog } from '../../src/access/audit/audit-log.ts';
import type { MetaPlace } from '../../src/access/meta/meta-database.ts';
import { metaDatabase } from '../../src/access/meta/open-meta.ts';
import { apiTokens } from '../../src/access/sign-in/api-tokens.ts';
import { sharedKey } from '../../src/access/sign-in/console-guard.ts';
import { sessions } from '../../src/access/sign-in/sessions.ts';
import { users } from '../../src/access/sign-in/users.ts';
import { holdList } from '../../src/api/hold-list.ts';
import { savedSearchList } from '../../src/api/saved-search-list.ts';
import { alertStore } from '../../src/operator/alert/alert-store.ts';
import { frozenLists } from '../../src/operator/job/frozen-lists.ts';
import { jobStore } from '../../src/operator/job/stored-jobs.ts';
import type { TraceStore } from '../../src/trace/trace-store.ts';
import { settleItem } from '../support/job-steps.ts';
import { orderer } from '../support/orderer.ts';
import { sampleAttempt, sampleSession } from '../support/trace-sample.ts';

export const PRODUCTION = 'hub';
/** Completed, suspended, and still in the queue. */
export const COMPLETED = sampleSession({ number: 1, mrn: 'M1' });
export const SUSPENDED = sampleSession({
  number: 2,
  mrn: 'M2',
  outcome: {
    status: 'suspended',
    error: { code: 'PEER_REFUSED', text: 'the ward said no', retryable: false },
  },
});
export const QUEUED = sampleSession({ number: 3, mrn: 'M3' });

/** Something of everything that people need beside the trace. */
export async function fillMeta(place: MetaPlace): Promise<void> {
  await using meta = await metaDatabase(place);
  const anna = { roles: ['operator'], scope: ['host:ward'], password: 'hash', mustChange: false };
  await users(meta).add({ ...anna, name: 'Anna' });
  const session = { name: 'Anna', via: 'local', roles: [], scope: [], ip: '::1' };
  await sessions(meta).start({ ...session, provider: undefined, idToken: undefined });
  const expires = Date.UTC(2100, 0);
  await apiTokens(meta).add({ label: 'script', user: 'Anna', permissions: undefined, expires });
  await sharedKey(meta, 'csrf');
  await savedSearchList(meta).save('Anna', { name: 'mine', criteria: { target: 'ward' } });
  await holdList(meta).add({ sessionId: 5, reason: 'why', by: 'Anna', at: 1, until: undefined });
  const list = { owner: 'Anna', ids: [1, 2], visible: undefined, complete: true };
  await frozenLists(meta).keep('list', list);
  const order = { type: 'resend', reason: 'lost', target: undefined, ids: [1, 2] } as const;
  const job = await jobStore(meta).add({ ...order, orderer: orderer('Anna'), list: 'list' });
  await settleItem(jobStore(meta), job.id, { n: 1, state: 'done', resultId: 9 });
  const condition = { rule: 'silent', object: 'host ward', host: 'ward', level: 'warn' };
  const seen = await alertStore(meta).see({ ...condition, text: 'silent' } as never, 7);
  await alertStore(meta).comment(seen.alert.id, {
    at: 8,
    by: 'Anna',
    via: 'local',
    text: 'they call back',
  });
  await using audit = await auditLog(place);
  const entry = { actor: { name: 'Anna', via: 'local' }, ip: '::1', action: 'message.view' };
  for (const n of [1, 2, 3]) {
    const detail = { search: { mrn: '4711' } };
    await audit.record({ ...entry, object: `message ${n}`, outcome: 'done', detail });
  }
}

export async function fillTrace(store: TraceStore): Promise<void> {
  await store.apply([
    ...COMPLETED.all,
    ...SUSPENDED.all,
    QUEUED.arrival,
    QUEUED.queued,
    sampleAttempt(QUEUED, 1),
  ]);
  await store.hold(COMPLETED.root, { reason: 'a complaint', by: 'Anna' });
}

import {
  type Subscription,
  Subscriptions,
} from '../../adapters/fhir/subscription/subscriptions.ts';
import { records } from '../../src/broker/records.ts';
import type { Operated } from './operator.ts';

/** Subscriptions of FHIR as a production keeps them, one in each state. */
export async function keepSubscriptions({ running }: Operated): Promise<void> {
  const kept = new Subscriptions(
    records(running.engine.keyed, 'subscriptions'),
    new AbortController().signal,
  );
  const end = Date.now() + 80 * 86_400_000;
  const made: Omit<Subscription, 'format' | 'id' | 'versionId' | 'changed'> = {
    owner: 'growth-charts',
    status: 'active',
    resource: {},
    criteria: [{ type: 'Observation', filters: [{ name: 'status', values: ['final'] }] }],
    endpoint: 'https://growth.example/notify/results',
    content: 'full-resource',
    end,
  };
  const admission = [{ type: 'Encounter', filters: [] }];
  const { id } = await kept.add(made);
  await kept.counts.count(id, { message: 1, at: '', focuses: Array(1_204).fill(undefined) });
  await kept.add({ ...made, owner: 'https://sso.hospital.example/realms/ward/nora.lindqvist' });
  await kept.add({
    ...made,
    owner: 'bed-board',
    status: 'error',
    error: 'The endpoint answers 503.',
    topic: 'https://hub.hospital.example/topic/admission',
    criteria: admission,
    endpoint: 'https://a-very-long-name-of-a-server.beds.hospital.example:8443/notify',
    failing: Date.now() - 900_000,
  });
  await kept.add({ ...made, owner: 'portal', status: 'requested', criteria: admission });
  const held = { status: 'off', held: true } as const;
  await kept.add({
    ...made,
    ...held,
    owner: 'old-app',
    error: 'The operators of this server have switched it off.',
  });
}

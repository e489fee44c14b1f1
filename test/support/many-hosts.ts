import type { Page } from 'playwright-core';
import type { Host, Hosts, ProductionMap, Queues } from '../../src/api/contract/host.ts';

/** Names that a page must bear: without a place to break, from right to left, outside the basic plane. */
export const ODD_NAMES = ['x'.repeat(200), 'مستشفى-الملك', '🏥-ward-😀'] as const;

const TAGS = 40;

/** Makes one host many, each with a tag or several. */
function multiplied(hosts: readonly Host[], many: number): Host[] {
  return Array.from({ length: many }, (_, n): Host => {
    const [first, second = first] = hosts;
    const from = n % 2 === 0 ? first : second;
    if (from === undefined) throw new Error('the production has no host');
    const tags = Array.from(
      { length: n % 5 === 0 ? 12 : 1 },
      (_one, k) => `unit-${(n + k) % TAGS}`,
    );
    const health = n % 97 === 0 ? 'disconnected' : from.health;
    return { ...from, name: ODD_NAMES[n] ?? `host-${n}`, title: `The host ${n}`, tags, health };
  });
}

const ways = (hosts: readonly Host[]): ProductionMap['edges'] =>
  hosts.flatMap(({ name }, n) => {
    const to = hosts[(n * 7 + 1) % hosts.length]?.name ?? name;
    return n % 2 === 0 ? [{ from: name, to, labels: [], by: 'to' as const }] : [];
  });

/**
 * Lets a page see a production of so many hosts: the real answers of a small one, with its hosts many times. An engine
 * with thousands of them takes minutes to start.
 */
export async function withManyHosts(page: Page, many: number): Promise<void> {
  const enlarged = async <Answer>(path: string, change: (answer: Answer) => Answer) =>
    page.route(`**/api/v1/${path}`, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: change((await response.json()) as Answer) });
    });
  await enlarged<Hosts>('hosts', (answer) => ({
    ...answer,
    hosts: multiplied(answer.hosts, many),
  }));
  await enlarged<ProductionMap>('production/map', (answer) => {
    const hosts = multiplied(answer.hosts, many);
    return { ...answer, hosts, edges: ways(hosts) };
  });
  await enlarged<Queues>('queues', ({ at, queues }) => ({
    at,
    queues: Array.from({ length: many }, (_, n) => ({
      ...(queues[0] as Queues['queues'][number]),
      host: ODD_NAMES[n] ?? `host-${n}`,
    })),
  }));
}

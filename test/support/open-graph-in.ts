import { expect, vi } from 'vitest';
import graphMailIn from '../../adapters/graph/graph-mail-in.ts';
import { type GraphLab, HUB } from './graph-lab.ts';
import { mailWith } from './mailbox.ts';
import { type OpenedInbound, openInbound } from './open-adapter.ts';

/** Opens `graph-mail-in` on the first mailbox. */
export function openReading(
  lab: GraphLab,
  more: Record<string, unknown> = {},
  memory?: string,
): Promise<OpenedInbound> {
  return openInbound(
    graphMailIn,
    { ...lab.given, every: '20ms', ...more },
    { credentials: { graph: lab.credential }, ...(memory === undefined ? {} : { memory }) },
  );
}

/** Delivers a mail. */
export async function receive(
  lab: GraphLab,
  mail: Parameters<typeof mailWith>[0] & { readonly text?: string },
): Promise<void> {
  await lab.graph.receive(HUB, await mailWith(mail));
}

/** Waits until this many messages were delivered. */
export async function delivered(opened: OpenedInbound, count: number): Promise<void> {
  await vi.waitFor(() => expect(opened.delivered.length).toBe(count), { timeout: 5_000 });
}

/** The texts that were delivered, in order. */
export const texts = ({ delivered: all }: OpenedInbound): string[] =>
  all.map(({ body }) => body.toString().trim());

/** Waits for some more polls of the folder, in which something could have been taken again. */
export async function moreLooks(lab: GraphLab): Promise<void> {
  const looks = (): number =>
    lab.graph.requests.filter(({ path }) => path.endsWith('/delta')).length;
  const before = looks();
  await vi.waitFor(() => expect(looks()).toBeGreaterThan(before + 2), { timeout: 5_000 });
}

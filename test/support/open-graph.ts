import graphMailOut from '../../adapters/graph/graph-mail-out.ts';
import type { GraphMessage } from '../../sandbox/graph/graph-message.ts';
import { type GraphLab, WARD } from './graph-lab.ts';
import { type OpenedOutbound, openOutbound } from './open-adapter.ts';

/** Opens `graph-mail-out` on the first mailbox, with mails to the second. */
export function openSending(
  lab: GraphLab,
  more: Record<string, unknown> = {},
): Promise<OpenedOutbound> {
  return openOutbound(
    graphMailOut,
    { ...lab.given, to: WARD, ...more },
    { credentials: { graph: lab.credential } },
  );
}

/** The mails that arrived at the second mailbox, oldest first. */
export function arrived(lab: GraphLab): readonly GraphMessage[] {
  return lab.graph.mailbox(WARD).messages('inbox');
}

/** The requests to Graph, in short: `POST /messages`, with ids left out. */
export function asked(lab: GraphLab): string[] {
  return lab.graph.requests.map(({ method, path }) =>
    `${method} ${path}`
      .replace(/\/users\/[^/]+/, '')
      .replace(/\/(AAkALg|AAMkA)[^/]+/g, '/*')
      .replace(/\/upload\/.*/, '/upload'),
  );
}

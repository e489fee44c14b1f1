import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'undici';
import { type Spent, timed } from './subject.ts';

/** Servers of another process, bare and with an adapter, and who asks them. */
export interface ServersApart<Place> extends AsyncDisposable {
  readonly bare: Place;
  readonly adapter: Place;
  /** A turn of requests; its processor time is that of the servers. */
  turn(ask: (agent: Agent) => Promise<void>): (messages: number) => Promise<Spent>;
  /** What is done to them otherwise, by their processor time. */
  during(work: () => Promise<Spent>): Promise<Spent>;
}

/** Starts the servers of a module, which calls `serveApart` when it is run with `--serve`. */
export async function serversApart<Place>(module: string): Promise<ServersApart<Place>> {
  await using undo = new AsyncDisposableStack();
  const servers = fork(module, ['--serve']);
  undo.defer(() => void servers.kill());
  const [{ bare, adapter }] = (await once(servers, 'message')) as [
    Pick<ServersApart<Place>, 'bare' | 'adapter'>,
  ];
  const agent = new Agent({ connections: 16 });
  undo.defer(() => agent.destroy());
  const processor = async (): Promise<number> => {
    servers.send('processor');
    const [told] = (await once(servers, 'message')) as [number];
    return told;
  };
  const during = async (work: () => Promise<Spent>): Promise<Spent> => {
    const before = await processor();
    const { milliseconds } = await work();
    return { milliseconds, processor: (await processor()) - before };
  };
  const opened = undo.move();
  return {
    bare,
    adapter,
    turn: (ask) => (messages) => during(() => timed(messages, () => ask(agent))),
    during,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Tells the parent where the servers are, and when it asks the processor time so far. */
export function serveApart<Place>(places: Pick<ServersApart<Place>, 'bare' | 'adapter'>): void {
  process.send?.(places);
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.((user + system) / 1_000);
  });
}

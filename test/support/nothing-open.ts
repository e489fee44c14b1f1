import { createHook } from 'node:async_hooks';
import { expect, vi } from 'vitest';

/** Kinds of resources that an adapter could leave behind; each keeps the process alive. */
const KINDS = [
  'TCPSocketWrap',
  'TCPServerWrap',
  'PipeWrap',
  'ProcessWrap',
  'FSEventWrap',
  'UDPWrap',
];

/** What Vitest itself has running: it is called by Node, or calls Node, without anything in between. */
const VITEST = /at setTimeout [^\n]+\n[^\n]+\/node_modules\/vitest\//;

/** A connection to a server that has ended, of a test that failed before it closed it: files share their process. */
const DIALLING = /\bdodialLoop\b/;

interface LiveTimer {
  hasRef(): boolean;
}

/**
 * Records what is open now. `expectNothingNew` fails if a socket, server, child, watcher or timer
 * opened since then still exists; give it a moment, since the system closes sockets later.
 */
export function openResources(): {
  expectNothingNew(): Promise<void>;
  /** The same of timers alone, at once: where each that runs still was made. */
  readonly timers: readonly string[];
} {
  const before = count();
  /** With where each was made. */
  const timers = new Map<LiveTimer, string>();
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (type === 'Timeout') timers.set(resource as LiveTimer, new Error('made').stack ?? '');
    },
  }).enable();
  const running = (): string[] =>
    [...timers].filter(([timer]) => isLive(timer)).map(([, made]) => made);
  return {
    get timers() {
      hook.disable();
      return running().filter((made) => !VITEST.test(made) && !DIALLING.test(made));
    },
    async expectNothingNew() {
      hook.disable();
      await vi.waitFor(() => {
        const more = Object.entries(count()).filter(([kind, now]) => now > (before[kind] ?? 0));
        expect(more, 'resources left open').toEqual([]);
        const live = running();
        // as an error of its own, so that where they were made is not cut off
        if (live.length > 0) throw new Error(`timers left running:\n${live.join('\n')}`);
      });
    },
  };
}

/** Waiting to fire and keeping the process alive. */
function isLive(timer: LiveTimer): boolean {
  // Node's own marks of a timer that was cleared or has fired; there is no public way to ask.
  const over =
    Reflect.get(timer, '_destroyed') === true || Reflect.get(timer, '_onTimeout') === null;
  return !over && timer.hasRef();
}

function count(): Record<string, number> {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind in counts) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

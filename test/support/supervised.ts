import { vi } from 'vitest';
import type { InboundAdapter, Message, OutboundAdapter } from '../../src/adapter/index.ts';
import type { Settings } from '../../src/adapter/setting.ts';
import { describeError } from '../../src/error/engine-error.ts';
import type { Delivered } from './obedient-store.ts';
import { type OpenOptions, openInbound, openOutbound } from './open-adapter.ts';

/** The result for an inbound adapter that was reopened after each loss, as by an engine. */
export interface Supervised extends AsyncDisposable {
  readonly delivered: readonly Delivered[];
  /** How often it was opened. */
  readonly opened: number;
  readonly memory: string | undefined;
  /** Texts of all losses. */
  readonly losses: readonly string[];
  readonly events: readonly string[];
}

/** Keeps an inbound adapter open, with its memory, without an engine's pauses. */
export function supervised<S extends Settings>(
  adapter: InboundAdapter<S>,
  given: Readonly<Record<string, unknown>>,
  options: OpenOptions,
): Supervised {
  const delivered: Delivered[] = [];
  const losses: string[] = [];
  const events: string[] = [];
  let opened = 0;
  let memory = options.memory;
  let stopped = false;

  const run = async (): Promise<void> => {
    while (!stopped) {
      opened += 1;
      try {
        await using one = await openInbound(adapter, given, {
          ...options,
          ...(memory !== undefined && { memory }),
        });
        await vi.waitUntil(
          () => {
            delivered.push(...one.delivered.splice(0));
            return stopped || one.lost.length > 0;
          },
          { timeout: 60_000, interval: 5 },
        );
        await one.close();
        delivered.push(...one.delivered.splice(0));
        memory = one.memory;
        losses.push(...one.lost.map(({ message }) => message));
        events.push(...one.events.map(({ name }) => name));
      } catch (error) {
        losses.push(describeError(error).text);
      }
    }
  };
  const running = run();
  return {
    delivered,
    losses,
    events,
    get opened() {
      return opened;
    },
    get memory() {
      return memory;
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      await running;
    },
  };
}

/**
 * Sends one message until it is sent, like an engine: on a new adapter after each loss, marked as a
 * possible duplicate from the second try on. Returns the errors on the way.
 */
export async function sentAtLast<S extends Settings>(
  adapter: OutboundAdapter<S>,
  { given, options }: { given: Readonly<Record<string, unknown>>; options: OpenOptions },
  { body, ...message }: Partial<Message> & { body: Message['body'] },
): Promise<string[]> {
  const errors: string[] = [];
  while (errors.length < 10) {
    try {
      await using one = await openOutbound(adapter, given, options);
      await one.send(body, { ...message, possibleDuplicate: errors.length > 0 });
      return errors;
    } catch (error) {
      errors.push(describeError(error).code);
    }
  }
  throw new Error(`never sent: ${errors.join(', ')}`);
}

/**
 * Whether the errors on the way have the right class, given how many copies arrived: what may have
 * arrived counts as a try and is reported as such; only what cannot have arrived does not count.
 */
export function areRightClass(errors: readonly string[], copies: number): boolean {
  const [first, ...more] = errors;
  if (more.length > 0) return false;
  if (copies > 1) return first === 'ADAPTER_TEMPORARY';
  return first === undefined || /^ADAPTER_(TEMPORARY|NOT_CONNECTED)$/.test(first);
}

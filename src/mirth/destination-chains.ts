import { EngineError } from '../error/engine-error.ts';
import type { ProcessMessage } from '../flow/process-code.ts';

/** An answer as the channel sees it. */
export interface KeptAnswer {
  readonly isGood: boolean;
  readonly body: string;
  readonly text: string;
  /** The status of a web server's answer. */
  readonly code?: string | undefined;
}

/** Destinations that a person has to see to, because the script of the first failed. */
export interface Failed {
  readonly numbers: readonly number[];
  readonly error: unknown;
  /** What the first answered, if it was its answer that a script failed with: it has the message. */
  readonly answer?: KeptAnswer | undefined;
  /** Whether the first got the message. */
  readonly isSent: boolean;
}

interface HowFailed extends Partial<Pick<Failed, 'answer' | 'isSent'>> {
  /** Whether those after it in its chain are not reached either. */
  readonly stopsChain: boolean;
}

export class DestinationFailed extends Error {
  readonly how: HowFailed;

  constructor(cause: unknown, how: HowFailed) {
    super('', { cause });
    this.how = how;
  }
}

const REFUSED = 'REFUSED_BY_SCRIPT';

/** What a destination answered is an error, or to be sent again, by its response transformer or writer. */
export class RefusedByScript extends Error {
  override readonly name = REFUSED;
}

/** Destinations that follow each other. */
export function chainsOf<One extends { readonly apart?: boolean }>(
  destinations: readonly One[],
): One[][] {
  const chains: One[][] = [];
  for (const destination of destinations) {
    const last = chains.at(-1);
    if (last === undefined || destination.apart === true) chains.push([destination]);
    else last.push(destination);
  }
  return chains;
}

/** The type of a message that a process sends to itself, for destinations that failed. */
export const ONLY_SOME = 'application/vnd.waybill.mirth-destinations+json';

/** What a service delivered, as text; Base64 for a channel that reads bytes. */
export interface Taken {
  readonly text: string;
  readonly type: string;
  readonly only?: readonly number[];
  /** What those of them that have the message answered, by their numbers: they are not sent it again. */
  readonly answers?: Readonly<Record<number, KeptAnswer>>;
  /** What the script threw for which only these wait. */
  readonly failed?: string;
}

/**
 * What is left for destinations that failed. Throws what failed before, until a person resends it: what the scripts do
 * besides sending would otherwise be done again for nothing.
 */
export function takenAgain(
  { parentId }: Pick<ProcessMessage, 'parentId'>,
  body: string,
  destinations: readonly { readonly number: number; readonly name: string }[],
): Taken {
  const taken = JSON.parse(body) as Taken;
  const { failed, only } = taken;
  // what a person resends comes from no other message
  if (failed === undefined || parentId === undefined) return taken;
  const left = destinations.filter(({ number }) => only?.includes(number) ?? true);
  const names = left.map(({ name }) => name).join(', ');
  const text =
    failed === REFUSED
      ? `by its script ${names} did not take the message: resend this one to send it there again`
      : `a script of ${names} threw ${failed}: correct it, then resend this message, which is for nothing else`;
  throw new EngineError('PROCESS_FAILED', text);
}

import type { RecordedError } from '../message/record.ts';
import { causeOfFailure } from './cause.ts';
import type { KeyMatch } from './key-value.ts';
import { keyValue } from './key-value.ts';
import type { ScopeId } from './scope.ts';
import type { SearchKey } from './trace-input.ts';
import type { TraceQuery } from './trace-query.ts';
import type { KeyReader } from './trace-store.ts';
import { isOpenTo, type StoredBody, type TracedMessage } from './traced-message.ts';

/**
 * How the trace is shown to somebody who may not see everything. No criterion applies to what they
 * are not shown: a search whose hits reveal the content of a body is as good as the body.
 */
export interface ShownTo {
  /** How a failure is shown if it is not shown unchanged; without it, not at all. */
  readonly mask?: ((failure: FailureText) => FailureText) | undefined;
  /** Set for viewers who may not see patient data: they get every failure masked, also of messages they may open. */
  readonly masksAll?: boolean | undefined;
  /**
   * Reads the search keys of a body: a scope that may only be opened in part is found by the
   * content of that part.
   */
  readonly keys?: KeyReader | undefined;
}

/** The texts about a failure, by Waybill and by the peer. */
export type FailureText = Pick<RecordedError, 'text' | 'said'>;

interface Failing extends Pick<TracedMessage, 'source' | 'target'> {
  readonly error?: FailureText | undefined;
}

/** The texts about a message's failure, as shown to the viewer. */
export function shownFailure(
  { source, target, error }: Failing,
  visible: readonly string[] | undefined,
  { mask = () => ({ text: '' }), masksAll = false }: ShownTo = {},
): FailureText {
  const { text, said } = error ?? { text: '' };
  return !masksAll && isOpenTo({ source, target }, visible) ? { text, said } : mask({ text, said });
}

/** Checks, for a viewer who is not shown everything, what no index can; undefined if there is nothing to check. */
export function shownTest(
  { error, cause, visible }: TraceQuery,
  shown: ShownTo = {},
): ((message: TracedMessage) => boolean) | undefined {
  const asked = shown.masksAll === true ? error?.toLowerCase() : undefined;
  if (asked === undefined && cause === undefined) return undefined;
  return (message) => {
    const failure = shownFailure(message, visible, shown);
    if (cause !== undefined && causeOfFailure(failure) !== cause) return false;
    return asked === undefined || mentions(message, asked, { failure, visible });
  };
}

/** The code is shown with every message; the text is only searched if the body may also be opened. */
function mentions(
  message: TracedMessage,
  asked: string,
  {
    failure: { text, said = '' },
    visible,
  }: { readonly failure: FailureText; readonly visible: readonly string[] | undefined },
): boolean {
  const code = message.error?.code.toLowerCase() ?? '';
  if (code.includes(asked)) return true;
  return (
    isOpenTo(message, visible) && [text, said].some((one) => one.toLowerCase().includes(asked))
  );
}

export interface ScopeMessages {
  readonly messages: readonly TracedMessage[];
  /** Whether these are all of them. */
  readonly whole: boolean;
}

/** What a store provides for checking a scope that may only be opened in part. */
export interface ScopeReader {
  /** @param most the most of them; default `SESSION_MESSAGES` */
  messages(scope: ScopeId, most?: number): Promise<ScopeMessages> | ScopeMessages;
  message(id: number): Promise<TracedMessage | undefined> | TracedMessage | undefined;
  body(id: number): Promise<StoredBody | undefined> | StoredBody | undefined;
  /** The search keys of a body, as the projector reads them. */
  readonly ownKeys: KeyReader;
  /** Of each session, what `keys` lack: branches that began after a message, within some thousand of its messages. */
  branchesWithout(
    keys: readonly KeyMatch[],
    sessions: ReadonlyMap<number, number>,
  ): Promise<readonly BranchOf[]> | readonly BranchOf[];
}

/** A message that branches were made of. */
export interface BranchOf {
  readonly sessionId: number;
  readonly parentId: number;
}

/**
 * Whether a scope with all those keys has them in the part open to the viewer: the index only
 * knows whole scopes, and the viewer must not learn the content of other legs.
 */
export function openKeyTest(
  keys: readonly KeyMatch[],
  visible: readonly string[] | undefined,
  { store, reader }: { readonly store: ScopeReader; readonly reader: KeyReader | undefined },
): ((scope: ScopeId) => Promise<boolean>) | undefined {
  if (visible === undefined || keys.length === 0) return undefined;
  const known = new Map<ScopeId, Promise<boolean>>();
  const look = async (scope: ScopeId): Promise<boolean> => {
    const { messages, whole } = await store.messages(scope);
    const open = messages.filter((one) => isOpenTo(one, visible));
    if (whole && open.length === messages.length) return true;
    let left = keys;
    for (const { id, hasBody } of open) {
      if (!hasBody) continue;
      const body = reader === undefined ? undefined : await store.body(id);
      if (reader === undefined || body === undefined) continue;
      left = missingIn(await reader(body), left);
      if (left.length === 0) return true;
    }
    return false;
  };
  return (scope) => {
    const answer = known.get(scope) ?? look(scope);
    known.set(scope, answer);
    return answer;
  };
}

/** Those of some keys that none of the keys of a body fits. */
export function missingIn(
  found: readonly SearchKey[],
  keys: readonly KeyMatch[],
): readonly KeyMatch[] {
  return keys.filter((key) => !found.some(({ name, value }) => fits(key, name, value)));
}

function fits({ name, value, prefix }: KeyMatch, found: string, text: string): boolean {
  const its = keyValue(text);
  return name === found && (prefix ? its.startsWith(value) : its === value);
}

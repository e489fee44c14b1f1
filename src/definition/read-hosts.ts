import type { RetryPolicy } from '../time/back-off.ts';
import type { OperationDefinition, ServiceDefinition } from './definition.ts';
import type { Adapters } from './find-adapter.ts';
import { below, type Reading, report } from './form/form.ts';
import type { OperationEntry, ServiceEntry } from './grammar/production-form.ts';
import { retryPolicy } from './grammar/retry-form.ts';
import { hostCommon, readAdapterSettings } from './read-host.ts';
import { readLine } from './read-line.ts';
import { pathText, valueAt } from './written/written.ts';

/** A business service; undefined after its problems were reported. */
export function readService(
  entry: ServiceEntry,
  adapters: Adapters,
  reading: Reading,
): ServiceDefinition | undefined {
  const { value, written } = entry;
  const adapter = value.adapter === undefined ? undefined : adapters.inbound(value.adapter);
  const to = valueAt(written, ['to']);
  if (to?.kind === 'list' && to.items.length === 0) {
    report(below(reading, 'to'), to.place, 'names no target', 'Name a process or an operation.');
  }
  if (adapter === undefined) return undefined;
  const read = readAdapterSettings(adapter.settings, written, reading);
  if (read === undefined || value.to === undefined) return undefined;
  return {
    kind: 'service',
    ...hostCommon(entry),
    adapter,
    ...read,
    to: value.to,
    duplicates: value.duplicates,
  };
}

/** A business operation; undefined after its problems were reported. */
export function readOperation(
  entry: OperationEntry,
  adapters: Adapters,
  reading: Reading,
): OperationDefinition | undefined {
  const { value, written } = entry;
  const line = readLine(value, written, reading);
  const adapter = value.adapter === undefined ? undefined : adapters.outbound(value.adapter);
  if (adapter === undefined) return undefined;
  const read = readAdapterSettings(adapter.settings, written, reading);
  if (read === undefined) return undefined;
  const replies = Object.fromEntries(
    [...(value.replies ?? [])].map(([key, { value: actions }]) => [key, actions]),
  );
  const retry = retryPolicy(value.retry, adapter.retry);
  warnOfNoRetry(entry, retry, reading);
  warnOfOwnAnswers(entry, reading);
  return {
    kind: 'operation',
    ...hostCommon(entry),
    adapter,
    ...read,
    ...line,
    retry,
    timeout: value.timeout,
    replies,
    answersTo: value.answersTo ?? [],
  };
}

/** An operation that sends its own answers again never comes to an end while its peer answers. */
function warnOfOwnAnswers(
  { name, place, value: { answersTo } }: OperationEntry,
  { problems, keys }: Reading,
): void {
  if (answersTo?.includes(name) !== true) return;
  const what = `${name} would send each answer again, and the answer to that`;
  problems.error(place, pathText([...keys, 'answersTo']), what, 'Name another target.');
}

/** `retry` as an action where nothing is ever tried again is what the action after it says, or a failure. */
function warnOfNoRetry(
  { value: { replies } }: OperationEntry,
  retry: RetryPolicy,
  { problems, keys }: Reading,
): void {
  if (retry.for > 0) return;
  for (const { name, value: actions, place } of replies?.values() ?? []) {
    if (![actions].flat().includes('retry')) continue;
    const what = 'nothing is tried again, since retry says for: 0s';
    const remedy = 'Raise for, or write another action.';
    problems.warning(place, pathText([...keys, 'replies', name]), what, remedy);
  }
}

import { EngineError } from '../../error/engine-error.ts';
import { refuseReceive } from '../../flow/mail.ts';
import type { ReceiveOptions } from '../../flow/process-code.ts';
import type { Subject } from '../../flow/subject.ts';
import type { Definition } from '../definition.ts';
import { conditionsOf } from '../process-of.ts';

/**
 * Throws PROCESS_FAILED if an engine would not give this message to the code that waits: a case
 * would pass with a key that no message ever has.
 */
export function assertReceivable(
  definition: Definition,
  process: string,
  { arrived, options: { key, when } }: Receiving,
): void {
  const receives = definition.processes.get(process)?.receives;
  if (receives?.key === undefined) throw refuseReceive(process);
  if (arrived === undefined) return;
  const found = String(receives.key.evaluate(arrived));
  if (found !== key) {
    const has = found === '' ? 'an empty key' : `the key "${found}"`;
    throw refused(`by the key of receives the next message has ${has}, and "${key}" is waited for`);
  }
  if (when !== undefined && !conditionsOf(definition, process)(when).evaluate(arrived)) {
    throw refused(`the next message does not fit ${when}`);
  }
}

interface Receiving {
  /** The next message of the case; undefined if there is none. */
  readonly arrived: Subject | undefined;
  readonly options: ReceiveOptions;
}

const refused = (why: string): EngineError =>
  new EngineError('PROCESS_FAILED', `the case gives a message that is not received: ${why}`);

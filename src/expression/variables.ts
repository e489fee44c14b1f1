import type { Envelope } from '../message/message.ts';
import type { Scope } from './expression.ts';
import { innerName } from './syntax.ts';
import { expressionVariables } from './variable.ts';

/** The variables of one message, each read when an expression first asks for it. */
class Variables {
  readonly message: Envelope;
  readonly read: unknown[] = [];

  constructor(message: Envelope) {
    this.message = message;
  }
}

for (const [index, variable] of expressionVariables.entries()) {
  Object.defineProperty(Variables.prototype, innerName(variable.name), {
    get(this: Variables): unknown {
      return (this.read[index] ??= variable.read(this.message));
    },
  });
}

let last = new Variables({} as Envelope);

/** A router evaluates its rules on one message after the other, so the last message's are kept. */
export function variablesOf({ message }: Scope): object {
  if (last.message !== message) last = new Variables(message);
  return last;
}

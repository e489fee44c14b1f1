import type { ProcessCode, ProcessContext, SharedState } from './process-code.ts';
import type { WorkMark } from './work-marks.ts';

/** The context of a process's code, which is marked as running whenever it continues after waiting for the engine. */
export function markedCode(code: ProcessCode, mark: WorkMark | undefined): ProcessCode {
  if (mark === undefined) return code;
  /** The code that awaits the promise continues right after this, before anything else runs. */
  const noted = <Result>(work: Promise<Result>): Promise<Result> => {
    mark.waiting();
    void work.then(mark.running, mark.running);
    return work;
  };
  return (message, context) => {
    const marked: ProcessContext = {
      ...context,
      send: (target, body) => noted(context.send(target, body)),
      call: (target, body, options) => noted(context.call(target, body, options)),
      receive: (options) => noted(context.receive(options)),
      sleep: (time) => noted(context.sleep(time)),
      now: () => noted(context.now()),
      state: (key) => markedState(context.state(key), mark, noted),
      jwt: {
        sign: (key, claims, options) => noted(context.jwt.sign(key, claims, options)),
        verify: (key, token, options) => noted(context.jwt.verify(key, token, options)),
      },
    };
    mark.running();
    return code({ ...message, bytes: () => noted(message.bytes()) }, marked);
  };
}

/** The function given to `update` is the production's code as well. */
function markedState<Value>(
  state: SharedState<Value>,
  mark: WorkMark,
  noted: <Result>(work: Promise<Result>) => Promise<Result>,
): SharedState<Value> {
  return {
    get: () => noted(state.get()),
    set: (value, options) => noted(state.set(value, options)),
    delete: () => noted(state.delete()),
    update(change, options) {
      const running = (before: Value | undefined): Value => {
        mark.running();
        try {
          return change(before);
        } finally {
          mark.waiting();
        }
      };
      return noted(state.update(running, options));
    },
  };
}

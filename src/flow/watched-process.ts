import { bytesHeld, type Subject } from './subject.ts';
import type { Process } from './wiring.ts';
import type { CodeInput, WorkMark, WorkMarks } from './work-marks.ts';

/**
 * A process whose work the watchdog can identify, that refuses a message on which an engine got stuck, and runs one that
 * was in hand when an engine died apart from others.
 */
export function watchedProcess(name: string, process: Process, marks: WorkMarks): Process {
  const watched = <Result>(
    subject: Subject,
    run: (mark: WorkMark) => Result | Promise<Result>,
  ): Result | Promise<Result> => {
    const given = { message: subject.message, bytes: bytesHeld(subject) };
    marks.refuseStuck(name, given);
    const turn = marks.turn(name, given);
    return turn === undefined ? marked(given, run) : turn.then(() => marked(given, run));
  };
  const marked = <Result>(
    given: CodeInput,
    run: (mark: WorkMark) => Result | Promise<Result>,
  ): Result | Promise<Result> => {
    const mark = marks.begin(name, given);
    try {
      const result = run(mark);
      if (result instanceof Promise) return result.finally(mark.end);
      mark.end();
      return result;
    } catch (error) {
      mark.end();
      throw error;
    }
  };
  const ended = process.ended?.bind(process);
  const runOrWait = process.runOrWait?.bind(process);
  return {
    readsBody: process.readsBody,
    ...(ended === undefined ? {} : { ended }),
    run: (subject, signal) => watched(subject, (mark) => process.run(subject, signal, mark)),
    ...(runOrWait === undefined
      ? {}
      : {
          runOrWait: async (subject, run) =>
            watched(subject, (mark) => runOrWait(subject, { ...run, mark })),
        }),
  };
}

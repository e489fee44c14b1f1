import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { PassingMap } from 'waybill/peer/basics';
import { LiveSession } from './live-session.ts';
import { SqlFailure } from './sql-failure.ts';

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** What both sides number first, so that an answer finds its order. They are lists: of an object each name is written and read as well. */
type Numbered = readonly [number: number, ...rest: unknown[]];

/** An order without its number. */
type Unnumbered<Order extends Numbered> = Order extends readonly [number, ...infer Rest]
  ? Rest
  : never;

/** Milliseconds for which a process may begin statements of one order; then it answers for those that it carried out. */
export const TOGETHER_FOR = 50;

/** Starts the process of a session. `name` is a module beside this file; 64-bit integers and bytes are sent unchanged. */
export function sessionProcess(
  name: string,
  { given, env }: { readonly given: unknown; readonly env: NodeJS.ProcessEnv },
): ChildProcess {
  const module = `./${name}${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`;
  return fork(new URL(module, import.meta.url), [JSON.stringify(given)], {
    serialization: 'advanced',
    execArgv: ['--no-warnings'],
    env,
    stdio: 'ignore',
  });
}

/**
 * A session whose driver works in a process of its own, because its calls block their thread or may end the process.
 * What the process does not finish is ended by killing it.
 */
export abstract class ProcessSession<
  Order extends Numbered,
  Answer extends Numbered,
> extends LiveSession {
  readonly #process: ChildProcess;
  readonly #waiting = new PassingMap<number, Waiting<Answer>>();
  #number = 0;

  constructor(process: ChildProcess) {
    super();
    this.#process = process;
    process.on('message', (answer: Answer) => this.#answered(answer));
    // pending work is told too
    process.on('error', () => this.end());
    process.on('exit', () => this.end());
  }

  async close(): Promise<void> {
    this.endsAsWanted();
    if (this.#hasEnded) return;
    const ended = once(this.#process, 'exit', { signal: AbortSignal.timeout(1_000) });
    if (this.#process.connected) this.#process.disconnect();
    // it is busy, and is ended in any case
    await ended.catch(() => this.kill());
    this.end();
  }

  destroy(): void {
    this.#process.kill('SIGKILL');
    this.end();
  }

  /** What the pending orders are told when the process has ended. */
  protected abstract readonly endedProblem: 'timeout' | 'lost';

  protected ask(...order: Unnumbered<Order>): Promise<Answer> {
    if (!this.alive) return Promise.reject(new SqlFailure('lost'));
    const number = ++this.#number;
    // if it cannot be written, the process is told to have an error
    this.#process.send([number, ...order]);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.set(number, { resolve, reject });
    return promise;
  }

  protected async kill(): Promise<void> {
    if (this.#hasEnded) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  protected override failPending(): void {
    for (const { reject } of this.#waiting.values()) reject(new SqlFailure(this.endedProblem));
    this.#waiting.clear();
  }

  #answered(answer: Answer): void {
    const [number] = answer;
    this.#waiting.get(number)?.resolve(answer);
    this.#waiting.delete(number);
  }

  get #hasEnded(): boolean {
    const { exitCode, signalCode } = this.#process;
    return exitCode !== null || signalCode !== null;
  }
}

import { appendFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

/**
 * Loaded into a `waybill run` before anything else, in each of its threads (`NODE_OPTIONS=--import
 * …`): at SIGUSR2 every thread collects its garbage, and its remaining memory is written as a line
 * to the file in `HEAP_FIGURES`.
 */
export interface HeapFigures {
  readonly round: number;
  readonly thread: number;
  /** Bytes of objects and of their memory outside the heap. */
  readonly held: number;
}

const { HEAP_FIGURES: FILE = '' } = process.env;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const others = new BroadcastChannel('heap-probe');

async function tell(round: number): Promise<void> {
  // what ends in one turn of the event loop (handles, finalizers) is garbage in the next
  for (let turn = 0; turn < 2; turn++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = process.memoryUsage();
  const figures: HeapFigures = { round, thread: threadId, held: heapUsed + external };
  appendFileSync(FILE, `${JSON.stringify(figures)}\n`);
}

let rounds = 0;
if (isMainThread) {
  process.on('SIGUSR2', () => {
    rounds += 1;
    others.postMessage(rounds);
    void tell(rounds);
  });
} else {
  others.addEventListener('message', (event) => {
    void tell((event as unknown as { readonly data: number }).data);
  });
}
others.unref();

import { join } from './live-hub.ts';

/** What we use of the scope of a shared worker: the types of the browser's window exclude those of workers. */
interface Scope {
  addEventListener(name: 'connect', act: (event: MessageEvent) => void): void;
}

(globalThis as unknown as Scope).addEventListener('connect', ({ ports }) => {
  for (const port of ports) join(port);
});

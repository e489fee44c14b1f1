import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Faults that a sandbox can be told to make, as real servers sometimes do. */
export type Fault =
  /** 429 with Retry-After, in seconds. */
  | { readonly kind: 'throttle'; readonly retryAfter: number }
  /** A good answer, delayed by milliseconds. */
  | { readonly kind: 'slow'; readonly delay: number }
  /** Any answer, sent unchanged. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: string | object;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** An error page of a gateway in front of the server. */
  | { readonly kind: 'page'; readonly status: number }
  /** Cuts the connection after the request came in. */
  | { readonly kind: 'drop' }
  /** Accepts the request and never answers. */
  | { readonly kind: 'hang' };

/** Faults of a sandbox: each of the next requests gets one, then those set permanently. */
export interface Faults {
  next(...faults: readonly Fault[]): void;
  /** Until `clear`. */
  always(fault: Fault): void;
  clear(): void;
}

/** The queue behind `Faults`, for a sandbox to apply. */
export interface FaultQueue extends Faults {
  /**
   * Applies the next fault. Resolves to true if it has handled the request, and to false if the
   * request should be answered as usual. `throttled` writes the body of a 429 in the server's own
   * format.
   */
  meet(
    request: IncomingMessage,
    response: ServerResponse,
    throttled: () => object,
  ): Promise<boolean>;
}

export function faultQueue(): FaultQueue {
  const queue: Fault[] = [];
  let standing: Fault | undefined;
  return {
    next: (...faults) => void queue.push(...faults),
    always(fault) {
      standing = fault;
    },
    clear() {
      queue.length = 0;
      standing = undefined;
    },
    async meet(request, response, throttled) {
      const fault = queue.shift() ?? standing;
      if (fault === undefined) return false;
      return apply(fault, { request, response, throttled });
    },
  };
}

interface Meeting {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly throttled: () => object;
}

async function apply(fault: Fault, { request, response, throttled }: Meeting): Promise<boolean> {
  if (fault.kind === 'slow') {
    await sleep(fault.delay);
    return response.destroyed;
  }
  if (fault.kind === 'drop') request.socket.destroy();
  if (fault.kind === 'throttle') {
    answer(response, 429, throttled(), { 'retry-after': String(fault.retryAfter) });
  }
  if (fault.kind === 'page') {
    const headers = { 'content-type': 'text/html' };
    answer(response, fault.status, '<!doctype html><title>Gateway</title>', headers);
  }
  if (fault.kind === 'answer') answer(response, fault.status, fault.body, fault.headers);
  return true;
}

/** Sends a text unchanged and an object as JSON. */
export function answer(
  response: ServerResponse,
  status: number,
  body: string | object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store, no-cache',
    ...headers,
  });
  response.end(text);
}

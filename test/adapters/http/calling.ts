import { type Dispatcher, request } from 'undici';
import httpIn from '../../../adapters/http/http-in.ts';
import { type OpenedInbound, type OpenOptions, openInbound } from '../../support/open-adapter.ts';

export interface Called {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: string;
}

export type Calling = Partial<Omit<Dispatcher.RequestOptions, 'path' | 'origin'>>;

/** An open http-in with the place it listens at. */
export interface Service extends AsyncDisposable {
  readonly opened: OpenedInbound;
  readonly url: string;
  call(path: string, options?: Calling): Promise<Called>;
}

/** Opens a service on a free port of loopback. */
export async function service(
  given: Readonly<Record<string, unknown>> = {},
  options: OpenOptions = {},
): Promise<Service> {
  const opened = await openInbound(httpIn, { listen: '127.0.0.1:0', ...given }, options);
  const [, place = ''] = /^([\d.]+:\d+)/.exec(opened.states.at(-1)?.detail ?? '') ?? [];
  const url = `http://${place}`;
  return {
    opened,
    url,
    call: (path, calling) => call(`${url}${path}`, calling),
    [Symbol.asyncDispose]: () => opened.close(),
  };
}

/** One request on a connection of its own. */
export async function call(url: string, options: Calling = {}): Promise<Called> {
  const { headers, ...rest } = options;
  const answer = await request(url, {
    method: 'POST',
    reset: true,
    ...rest,
    headers: headers ?? {},
  });
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: await answer.body.text(),
  };
}

import type { Asked } from './operator.ts';

/** A client of the API that acts like a browser: keeps cookies, sends the CSRF token and an Origin. */
export interface Visitor {
  ask<Answer = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Asked<Answer>>;
  /** Signs in with a password and uses the CSRF token from then on. */
  signIn(user: string, password: string): Promise<Asked<Record<string, unknown>>>;
  /** Uses the CSRF token of `/me` from then on. */
  me(): Promise<Asked<Me>>;
  readonly cookies: Map<string, string>;
}

export interface Me {
  readonly name: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly visibleHosts?: readonly string[];
  readonly csrfToken?: string;
  readonly mustChangePassword?: boolean;
  readonly mustAddFactor?: boolean;
  readonly via: string;
}

export function visitor(url: string): Visitor {
  const cookies = new Map<string, string>();
  let csrf: string | undefined;
  const send = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Asked<unknown>> => {
    const content = contentOf(body);
    const response = await fetch(new URL(path, url), {
      method,
      redirect: 'manual',
      headers: {
        ...cookieHeader(cookies),
        ...(method === 'GET' ? {} : { ...act(csrf), origin: new URL(url).origin }),
        ...(typeof content === 'string' ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      ...(content === undefined ? {} : { body: content }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: (json ? JSON.parse(text) : text) as unknown,
    };
  };
  const ask = send as Visitor['ask'];
  const me = async (): Promise<Asked<Me>> => {
    const answer = await ask<Me>('GET', '/api/v1/me');
    csrf = answer.body.csrfToken;
    return answer;
  };
  return {
    ask,
    me,
    cookies,
    async signIn(user, password) {
      const answer = await ask('POST', '/api/v1/sign-in', { user, password });
      if (answer.status === 200) await me();
      return answer;
    },
  };
}

const contentOf = (body: unknown): string | URLSearchParams | undefined =>
  body === undefined || body instanceof URLSearchParams ? body : JSON.stringify(body);

/** Name of the session cookie. */
export function sessionOf({ cookies }: Pick<Visitor, 'cookies'>): string {
  return [...cookies.keys()].find((name) => name.replace('__Host-', '').startsWith('sid-')) ?? '';
}

function cookieHeader(cookies: ReadonlyMap<string, string>): Record<string, string> {
  const pairs = [...cookies].map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? {} : { cookie: pairs.join('; ') };
}

const act = (csrf: string | undefined): Record<string, string> =>
  csrf === undefined ? {} : { 'x-csrf-token': csrf };

import { exactJson } from '../document/json/exact-json.ts';
import { mediaType } from './data-type.ts';
import { append, element, node, text, toXml, type XmlNode } from './e4x/node.ts';
import { VariableMap } from './maps.ts';
import { plainTextOf } from './plain-text.ts';

/** A message as its channel sees it. */
export interface Came {
  readonly body: string;
  readonly type: string;
  /** What the source map contains besides what every message has. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** How what a service delivers is converted to what the channel's source used to get. */
export interface Incoming {
  /** `body`: of a web request its body; `document`: XML of its body, `whole`: XML of all of it. */
  readonly http?: 'body' | 'document' | 'whole';
  /** Its bytes are Base64 for the channel, as of a file that is read as binary. */
  readonly binary?: boolean;
  /** Rows of a database are XML: `<result>` with an element for each column. */
  readonly rows?: boolean;
}

/** The type of a message that carries variables for the source map of its target channel. */
export const WITH_VARIABLES = 'application/vnd.waybill.mirth+json';

/** A message from another channel may carry variables, one from a web client its request, one from a database its row. */
export function incoming(of: Incoming, type: string, body: string): Came {
  if (type === WITH_VARIABLES) {
    const { body: own, type: kind, variables } = JSON.parse(body) as Came;
    return { body: own, type: kind, variables };
  }
  if (type !== 'application/json') return { body, type, variables: {} };
  if (of.rows === true) return rowsOf(body);
  return of.http === undefined ? { body, type, variables: {} } : requestOf(of.http, body);
}

interface Request {
  readonly method?: string;
  readonly path?: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

function requestOf(form: NonNullable<Incoming['http']>, document: string): Came {
  const {
    method = '',
    path = '',
    query = {},
    headers = {},
    body = '',
  } = exactJson(document) as Request;
  const { 'content-type': type } = headers;
  const own =
    typeof body === 'string' ? body : bodyText(body, typeof type === 'string' ? type : '');
  const search = Object.entries(query)
    .flatMap(([name, value]) =>
      listOf(value).map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`),
    )
    .join('&');
  const variables = {
    method,
    uri: path,
    url: path,
    contextPath: path,
    query: search,
    parameters: new NamedValues(query),
    headers: new NamedValues(headers),
  };
  if (form === 'body') return { body: own, type: mediaType('RAW', own), variables };
  const made = toXml(requestXml(form, { method, path, query, headers, search, body: own }));
  return { body: made, type: 'application/xml', variables };
}

/** What a listener took for binary, and gave to the channel as Base64. */
const BINARY = /^\s*(?:application\/(?!.*(?:json|xml)\s*(?:;|$))|(?:image|video|audio)\/)/i;

/** JSON has its digits; what came as bytes was text there unless its type was that of binary data. */
function bodyText(body: unknown, type: string): string {
  const { base64, ...more } = body as { readonly base64?: unknown };
  const isBytes = typeof base64 === 'string' && Object.keys(more).length === 0;
  if (!isBytes || /json/i.test(type)) return JSON.stringify(body);
  return BINARY.test(type) ? base64 : Buffer.from(base64, 'base64').toString('utf8');
}

const leaf = (name: string, value: string): XmlNode =>
  element(name, value === '' ? [] : [text(value)]);

/** The document that a listener with `xmlBody` made from a request. */
function requestXml(
  form: 'document' | 'whole',
  {
    method,
    path,
    query,
    headers,
    search,
    body,
  }: Required<Omit<Request, 'body'>> & { readonly body: string; readonly search: string },
): XmlNode {
  const root = element('HttpRequest');
  const named = (name: string, values: Readonly<Record<string, unknown>>): XmlNode =>
    element(
      name,
      Object.entries(values).flatMap(([key, value]) =>
        listOf(value).map((one) => leaf(key.replaceAll(/[^\w.-]/g, '_'), one)),
      ),
    );
  if (form === 'whole') {
    const parts = [
      leaf('RequestUrl', path),
      leaf('Method', method),
      leaf('RequestPath', search),
      leaf('RequestContextPath', path),
      named('Parameters', query),
      named('Header', headers),
    ];
    for (const one of parts) append(root, one);
  }
  const content = leaf('Content', body);
  content.attributes.push({ ...node('attribute', 'multipart', 'no'), parent: content });
  append(root, content);
  return root;
}

const listOf = (value: unknown): string[] =>
  (Array.isArray(value) ? (value as unknown[]) : [value]).map(String);

/** Headers or parameters of a request: by name in any case, with the methods of both versions. */
class NamedValues extends VariableMap {
  readonly #lists: Map<string, string[]>;

  constructor(values: Readonly<Record<string, unknown>>) {
    super(Object.entries(values).map(([name, value]) => [name, listOf(value)[0] ?? '']));
    this.#lists = new Map(
      Object.entries(values).map(([name, value]) => [name.toLowerCase(), listOf(value)]),
    );
  }

  override get(key: unknown): unknown {
    return this.#lists.get(String(key).toLowerCase())?.[0] ?? null;
  }

  override containsKey(key: unknown): boolean {
    return this.#lists.has(String(key).toLowerCase());
  }

  getHeader(name: unknown): unknown {
    return this.get(name);
  }

  getHeaderList(name: unknown): string[] {
    return this.#lists.get(String(name).toLowerCase()) ?? [];
  }

  getParameter(name: unknown): unknown {
    return this.get(name);
  }

  getParameterList(name: unknown): string[] {
    return this.getHeaderList(name);
  }
}

type Row = Readonly<Record<string, unknown>>;

function rowsOf(body: string): Came {
  const given = JSON.parse(body) as Row | Row[];
  const root = Array.isArray(given) ? element('results', given.map(rowXml)) : rowXml(given);
  const variables = Array.isArray(given) ? {} : given;
  return { body: toXml(root), type: 'application/xml', variables };
}

/** As Mirth Connect writes it: names in small letters, those that are none in XML corrected, and nothing for NULL. */
const rowXml = (row: Row): XmlNode =>
  element(
    'result',
    Object.entries(row).flatMap(([name, value]) => {
      if (value === null || value === undefined) return [];
      const shown = typeof value === 'object' ? JSON.stringify(value) : plainTextOf(value);
      return [leaf(columnName(name), shown)];
    }),
  );

const columnName = (given: string): string =>
  given
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_.-]/gu, '_')
    .replace(/^[^\p{L}_]/u, '_') || '_';

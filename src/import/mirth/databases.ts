import type { XmlNode } from '../../mirth/e4x/node.ts';
import { referencesOf, writtenReferences } from '../../mirth/template.ts';
import { variableName } from '../names.ts';
import {
  type Block,
  type DestinationContext,
  type DestinationDraft,
  type HostDraft,
  missingAdapter,
  type Notes,
  type SourceContext,
} from './drafts.ts';
import { polling } from './polling.ts';
import { partText } from './read-export.ts';

const CATEGORY = 'databases';

const PORTS = { postgresql: 5432, mysql: 3306, sqlserver: 1433 } as const;
type Product = keyof typeof PORTS;

const PRODUCTS_BY_URL: Readonly<Record<string, Product>> = {
  postgresql: 'postgresql',
  mysql: 'mysql',
  mariadb: 'mysql',
  sqlserver: 'sqlserver',
  'jtds:sqlserver': 'sqlserver',
};

interface JdbcAddress {
  readonly product: Product;
  readonly connect: string;
  readonly database: string;
  readonly isEncrypted: boolean;
}

/** Reads `jdbc:postgresql://host:5432/name?ssl=true`, `jdbc:sqlserver://host;databaseName=name` and their like. */
export function readJdbc(url: string): JdbcAddress | undefined {
  const plain = url.replaceAll(/\\(.)/g, '$1').trim();
  const [, kind = '', place = '', path = '', more = ''] =
    /^jdbc:(postgresql|mysql|mariadb|sqlserver|jtds:sqlserver):\/\/([^/;?]*)(?:\/([^?;]*))?(.*)$/i.exec(
      plain,
    ) ?? [];
  const product = PRODUCTS_BY_URL[kind.toLowerCase()];
  if (product === undefined) return undefined;
  const options = new Map(
    more.split(/[?;&]/).flatMap((one): [string, string][] => {
      const [name = '', value = ''] = one.split('=');
      return name === '' ? [] : [[name.toLowerCase(), value]];
    }),
  );
  const [host = '', port = String(PORTS[product])] = place.split(/:(?=\d+$|\$\{env)/);
  const database = path || options.get('databasename') || options.get('database') || '';
  const isEncrypted =
    /^(true|require|verify.*)$/i.test(
      options.get('ssl') ??
        options.get('sslmode') ??
        options.get('usessl') ??
        options.get('encrypt') ??
        '',
    ) || /^(required|verify.*)$/i.test(options.get('sslmode') ?? '');
  return { product, connect: `${host || 'localhost'}:${port}`, database, isEncrypted };
}

const PRODUCTS_BY_DRIVER: readonly (readonly [RegExp, Product])[] = [
  [/postgres/i, 'postgresql'],
  [/mysql|mariadb/i, 'mysql'],
  [/sqlserver|jtds/i, 'sqlserver'],
];

interface Given {
  readonly driver: string;
  readonly url: string;
  readonly user: string;
}

/** The settings of `sql-in` and `sql-out` that reach the database; undefined, and marked, if they do not support it. */
export function databasePlace({ driver, url, user }: Given, context: Notes): Block | undefined {
  const { add, credential, fixed } = context;
  const known = fixed(url);
  const read = known === undefined ? undefined : readJdbc(known);
  const account = fixed(user) ?? 'interface';
  if (read !== undefined) {
    const entry = { kind: 'basic', user: account || 'interface' };
    if (!read.isEncrypted) {
      add({
        kind: 'look',
        category: CATEGORY,
        text: 'the connection is not encrypted, as before: set security if the server supports TLS',
      });
    }
    if (read.database === '')
      add({ kind: 'mark', category: CATEGORY, text: 'the address does not name a database' });
    return {
      product: read.product,
      connect: read.connect,
      database: read.database || 'missing',
      credential: credential('database', entry),
      security: read.isEncrypted ? 'tls' : 'none',
    };
  }
  const product = PRODUCTS_BY_DRIVER.find(([name]) => name.test(driver))?.[1];
  const isConfigured = known === undefined || known === '' || /^\$\{env:\w+\}$/.test(known);
  if (product !== undefined && isConfigured && known !== undefined && known !== '') {
    const base = /^\$\{env:(\w+)\}$/.exec(known)?.[1] ?? '';
    for (const part of ['CONNECT', 'DATABASE'])
      add({
        kind: 'give',
        category: 'configuration',
        text: `the environment variable ${variableName(base, part)}: part of the JDBC address that was in ${base}`,
      });
    return {
      product,
      connect: `\${env:${context.environment(variableName(base, 'CONNECT'))}}`,
      database: `\${env:${context.environment(variableName(base, 'DATABASE'))}}`,
      credential: credential('database', { kind: 'basic', user: account }),
      security: 'none',
    };
  }
  const kind = /oracle/i.test(driver + url)
    ? 'Oracle'
    : (/^jdbc:([\w:]+):/i.exec(url)?.[1] ?? 'of an address that depends on the message');
  add({
    kind: 'mark',
    category: CATEGORY,
    text: `the database ${kind} is not supported yet, or its address is unknown`,
  });
  return undefined;
}

/** The statement of a Database Writer: each reference becomes a value that is sent separately from the text. */
export function databaseWriter(properties: XmlNode, context: DestinationContext): DestinationDraft {
  if (partText(properties, 'useScript') === 'true')
    return { script: partText(properties, 'query') };
  const place = databasePlace(
    {
      driver: partText(properties, 'driver'),
      url: partText(properties, 'url'),
      user: partText(properties, 'username'),
    },
    context,
  );
  if (place === undefined)
    return {
      host: { ...missingAdapter(context.name, 'a database without an adapter'), settings: {} },
    };
  const { statement, values } = statementOf(partText(properties, 'query'));
  if (/\?/.test(statement.replaceAll(/'[^']*'/g, ''))) {
    context.add({
      kind: 'mark',
      category: CATEGORY,
      text: 'the statement has ? without values: replace them by expressions in braces',
    });
  }
  return {
    host: {
      adapter: 'sql-out',
      settings: { ...place, statements: statementsIn(statement), empty: 'text' },
    },
    values,
  };
}

/** A statement with `${…}`, turned into one with expressions that read the message of values. */
export function statementOf(query: string): { statement: string; values: Record<string, string> } {
  const values: Record<string, string> = {};
  const written = writtenReferences(query);
  let statement = '';
  let at = 0;
  for (const [index, reference] of referencesOf(query).entries()) {
    const text = written[index] ?? '';
    const found = query.indexOf(text, at);
    const name = nameFor(reference, text, values);
    values[name] = text;
    const before = query.slice(at, found);
    at = found + text.length;
    const isQuoted = before.endsWith("'") && query[at] === "'";
    statement += escaped(isQuoted ? before.slice(0, -1) : before) + `{json("/${name}")}`;
    if (isQuoted) at += 1;
  }
  statement += escaped(query.slice(at));
  return { statement: statement.trim().replace(/;\s*$/, ''), values };
}

/** A body of statements that a product takes as one. */
const BLOCK = /^\s*(?:begin|declare|do)\b/i;
const STATEMENT =
  /(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|(\$\w*\$)[^]*?\1|--[^\n]*|\/\*[^]*?\*\/|[^;'"`$/-]|[/$-])+/g;
const COMMENTS = /--[^\n]*|\/\*[^]*?\*\//g;

/** Several statements in one text; they run one after the other, in one transaction. */
function statementsIn(text: string): string[] {
  if (BLOCK.test(text)) return [text];
  const found = [...text.matchAll(STATEMENT)].map(([one]) => one.trim());
  const made = found.filter((one) => one.replaceAll(COMMENTS, '').trim() !== '');
  return made.length > 1 ? made : [text];
}

function nameFor(
  reference: string,
  text: string,
  values: Readonly<Record<string, string>>,
): string {
  const called = /\.get\(['"]([^'"]+)['"]\)/.exec(reference)?.[1] ?? reference;
  const plain = called.replaceAll(/\W+/g, '_').replaceAll(/^_+|_+$/g, '') || 'value';
  let name = plain;
  for (let number = 2; values[name] !== undefined && values[name] !== text; number += 1)
    name = `${plain}_${number}`;
  return name;
}

const escaped = (text: string): string => text.replaceAll('{', '{{').replaceAll('}', '}}');

const UPDATE_MODES: Readonly<Record<string, 'never' | 'once' | 'each'>> = {
  '1': 'never',
  '2': 'once',
  '3': 'each',
};

/** Turns a Database Reader into sql-in: each row becomes an XML document of its columns. */
export function databaseReader(properties: XmlNode, context: SourceContext): HostDraft {
  const { add } = context;
  const own = { ...context, name: `${context.name}-in` };
  const isScript = partText(properties, 'useScript') === 'true';
  if (isScript) {
    const what =
      'reads a database in a script: write its query as that of sql-in, and what it does with the rows as the source transformer';
    add({ kind: 'mark', category: 'Database Reader with a script', text: what });
    return { ...missingAdapter(own.name, what), settings: {} };
  }
  const place = databasePlace(
    {
      driver: partText(properties, 'driver'),
      url: partText(properties, 'url'),
      user: partText(properties, 'username'),
    },
    own,
  );
  if (place === undefined)
    return { ...missingAdapter(own.name, 'a database without an adapter'), settings: {} };
  const query = partText(properties, 'select').trim().replace(/;\s*$/, '');
  if (query.includes('${')) {
    add({
      kind: 'mark',
      category: CATEGORY,
      text: 'the query uses values from a map: write them, or use a key',
    });
  }
  const when = polling(properties, context);
  const isBatch = partText(properties, 'aggregateResults') === 'true';
  return {
    adapter: 'sql-in',
    settings: {
      ...place,
      query,
      ...taken(properties, context),
      ...when.settings,
      ...(isBatch && { rows: 'batch' }),
    },
    ...(when.keys !== undefined && { keys: when.keys }),
  };
}

/** How a row is marked as taken: by a statement for each. */
function taken(properties: XmlNode, { add }: Notes): Block {
  const mode = UPDATE_MODES[partText(properties, 'updateMode')] ?? 'never';
  const update = partText(properties, 'update').trim().replace(/;\s*$/, '');
  const written = writtenReferences(update);
  if (mode === 'each' && update !== '' && written.length > 0) {
    let after = update;
    for (const [index, reference] of referencesOf(update).entries())
      after = after
        .replace(`'${written[index] ?? ''}'`, written[index] ?? '')
        .replace(written[index] ?? '', `{${reference}}`);
    return { after: [after] };
  }
  const what =
    mode === 'never' || update === ''
      ? 'reads the same rows at every poll: give sql-in the column of an increasing key (key), or a statement that marks a row (after)'
      : 'marks all rows at once, including those that were added meanwhile: identify the row in the statement under after, by its columns in braces';
  add({ kind: 'mark', category: 'rows that cannot be told apart', text: what });
  // without it, check fails until a person has written one
  return {};
}

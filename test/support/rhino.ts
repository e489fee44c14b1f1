import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { rewriteScript } from '../../src/import/mirth/script/rewrite.ts';
import { readData, transformedText } from '../../src/mirth/data-type.ts';
import { isXml } from '../../src/mirth/e4x/xml.ts';
import { runIn, type ScriptScope } from '../../src/mirth/index.ts';
import { VariableMap } from '../../src/mirth/maps.ts';

/** Runs scripts of Mirth Connect in Rhino, the JavaScript that it uses, and as they are imported, and compares what both did. */

/** Where a Rhino with E4X may be: `RHINO`, or Debian's package librhino-java. */
const JARS = [process.env['RHINO'] ?? '', '/usr/share/java/js.jar', '/usr/share/java/rhino.jar'];
export const rhinoJar = JARS.find((one) => one !== '' && existsSync(one));

export interface ScriptCase {
  readonly name: string;
  readonly script: string;
  /** The message, HL7 or XML. */
  readonly message: string;
}

/** What a script left behind. */
export interface ScriptEnd {
  readonly msg: string;
  /** The maps, by `channelMap.key`. */
  readonly maps: Readonly<Record<string, string>>;
  readonly result: string;
  /** Whether it threw, and what. */
  readonly failed: boolean;
  readonly error?: string | undefined;
}

export interface Compared {
  readonly name: string;
  /** Undefined where the import marks the script, so that nobody runs it. */
  readonly here: ScriptEnd | undefined;
  readonly there: ScriptEnd;
}

const MAPS = [
  'channelMap',
  'connectorMap',
  'sourceMap',
  'responseMap',
  'globalMap',
  'globalChannelMap',
  'configurationMap',
] as const;

/** What Mirth Connect puts around a script, in our words. */
const PRELUDE = `XML.ignoreWhitespace = true; XML.prettyPrinting = false;
${MAPS.map((name) => `var ${name};`).join(' ')}
var logger = { info: function () {}, error: function () {}, debug: function () {}, warn: function () {} };
function accessor(of) { return function (key, value) { var map = of(); return arguments.length === 1 ? map.get(key) : map.put(key, value); }; }
var $c = accessor(function () { return channelMap; }), $co = accessor(function () { return connectorMap; }), $s = accessor(function () { return sourceMap; });
var $r = accessor(function () { return responseMap; }), $g = accessor(function () { return globalMap; }), $gc = accessor(function () { return globalChannelMap; }), $cfg = accessor(function () { return configurationMap; });
function $(key) { var maps = [responseMap, connectorMap, channelMap, sourceMap, globalChannelMap, globalMap, configurationMap]; for (var at in maps) if (maps[at].containsKey(key)) return maps[at].get(key); return ''; }
function validate(value, otherwise, replacements) {
  var made = value;
  if (made === undefined || made == null || made.toString().length == 0) made = otherwise === undefined ? '' : otherwise;
  made = new java.lang.String(made.toString());
  for (var at = 0; replacements && at < replacements.length; at++) made = made.replaceAll(replacements[at][0], replacements[at][1]);
  return made;
}
function createSegment(name, parent, index) {
  if (arguments.length === 1) return new XML('<' + name + '></' + name + '>');
  if (index === undefined) index = 0;
  parent[name][index] = new XML('<' + name + '></' + name + '>');
  return parent[name][index];
}
`;

const RUNNER = `
function ended(of) { return of === undefined || of === null ? '' : typeof of === 'xml' ? of.toXMLString() : String(of) === '[object Object]' ? JSON.stringify(of) : String(of); }
for (var one = 0; one < cases.length; one++) {
  ${MAPS.map((name) => `${name} = new java.util.HashMap();`).join(' ')}
  var end = { failed: false, result: '', maps: {} };
  msg = new XML(cases[one].xml); tmp = undefined;
  try { end.result = ended(cases[one].run()); } catch (error) { end.failed = true; end.error = String(error); }
  end.msg = ended(msg);
  var all = { ${MAPS.map((name) => `${name}: ${name}`).join(', ')} };
  for (var name in all) { var keys = all[name].keySet().toArray(); for (var at = 0; at < keys.length; at++) end.maps[name + '.' + keys[at]] = ended(all[name].get(keys[at])); }
  print(JSON.stringify(end));
}
`;

/** The same case in both; a script that Rhino cannot compile is left out there. */
export async function besideRhino(cases: readonly ScriptCase[]): Promise<Compared[]> {
  if (rhinoJar === undefined)
    throw new Error('there is no Rhino: install librhino-java, or set RHINO');
  const folder = await mkdtemp(join(tmpdir(), 'waybill-rhino-'));
  try {
    const xmls = cases.map(({ message }) => transformedText(messageOf(message)));
    const there = await inRhino(rhinoJar, folder, { cases, xmls });
    const here = await imported(cases, folder);
    return cases.flatMap(({ name }, index) => {
      const end = there[index];
      return end === undefined ? [] : [{ name, here: here[index], there: end }];
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const messageOf = (text: string): unknown =>
  readData(text.startsWith('MSH') ? 'HL7V2' : 'XML', text);

async function inRhino(
  jar: string,
  folder: string,
  { cases, xmls }: { readonly cases: readonly ScriptCase[]; readonly xmls: readonly string[] },
): Promise<ScriptEnd[]> {
  const runs = cases.map(
    ({ script }, index) =>
      `(function () { var run; try { run = eval(${JSON.stringify(`(function () {${script}\n})`)}); } catch (error) { run = function () { throw error; }; } return { xml: ${JSON.stringify(xmls[index])}, run: run }; })()`,
  );
  const file = join(folder, 'cases.js');
  await writeFile(
    file,
    `${PRELUDE}var msg, tmp;\nvar cases = [\n${runs.join(',\n')}\n];\n${RUNNER}`,
  );
  const { stdout } = await promisify(execFile)(
    'java',
    ['-cp', jar, 'org.mozilla.javascript.tools.shell.Main', '-version', '200', '-opt', '-1', file],
    { maxBuffer: 1 << 28 },
  );
  return stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ScriptEnd);
}

type Run = () => unknown;

/** The scripts as they are imported, run on the same messages; undefined for one that is marked. */
async function imported(
  cases: readonly ScriptCase[],
  folder: string,
): Promise<(ScriptEnd | undefined)[]> {
  const rewritten = cases.map(({ script }) =>
    rewriteScript(script, { templates: new Set(), secretName: () => 'SECRET_X' }),
  );
  const known = rewritten.filter(({ marks }) => marks.length === 0);
  const names = [...new Set(known.flatMap(({ imports }) => [...imports]))].join(', ');
  const library = pathToFileURL(resolve(import.meta.dirname, '../../src/mirth/index.ts')).href;
  const functions = rewritten.map(({ marks, text }) =>
    marks.length > 0 ? 'undefined' : `function script() {${text}\n}`,
  );
  const file = join(folder, 'scripts.mjs');
  await writeFile(
    file,
    `import { ${names} } from ${JSON.stringify(library)};\nexport default [\n${functions.join(',\n')}\n];\n`,
  );
  const { default: runs } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
    readonly default: readonly (Run | undefined)[];
  };
  return cases.map(({ message }, index) => {
    const run = runs[index];
    return run && endedHere(run, message);
  });
}

function endedHere(run: Run, message: string): ScriptEnd {
  const scope = scopeFor(message);
  let [failed, result] = [false, ''];
  let error: string | undefined;
  try {
    result = endOf(runIn(scope, run));
  } catch (caught) {
    [failed, error] = [true, String(caught)];
  }
  const maps: Record<string, string> = {};
  for (const name of MAPS)
    for (const key of scope[name].keySet()) maps[`${name}.${key}`] = endOf(scope[name].get(key));
  return { msg: endOf(scope.msg), maps, result, failed, error };
}

const endOf = (value: unknown): string =>
  value === undefined || value === null
    ? ''
    : isXml(value)
      ? (value as { toXMLString(): string }).toXMLString()
      : transformedText(value);

function scopeFor(message: string): ScriptScope {
  const maps = Object.fromEntries(MAPS.map((name) => [name, new VariableMap()])) as Record<
    (typeof MAPS)[number],
    VariableMap
  >;
  return {
    ...maps,
    msg: messageOf(message) as ScriptScope['msg'],
    tmp: undefined,
    message,
    response: undefined,
    responseStatus: undefined,
    responseStatusMessage: undefined,
    responseErrorMessage: undefined,
    channelId: 'c',
    channelName: 'c',
    connectorMessage: undefined,
    destinationSet: { remove: () => true, removeAll: () => true, removeAllExcept: () => true },
    routed: [],
    log: () => undefined,
  };
}

/** How they differ, a line for each; nothing where both failed, as the words of errors differ. */
export function differencesOf({ here, there }: Compared): string[] {
  if (here === undefined || (here.failed && there.failed)) return [];
  if (here.failed !== there.failed)
    return [here.failed ? 'fails only here' : 'fails only in Rhino'];
  const found: string[] = [];
  const compare = (what: string, one: string, other: string): void => {
    if (plain(one) !== plain(other))
      found.push(`${what}: ${one.slice(0, 200)} instead of ${other.slice(0, 200)}`);
  };
  compare('msg', here.msg, there.msg);
  compare('result', here.result, there.result);
  for (const key of new Set([...Object.keys(here.maps), ...Object.keys(there.maps)]))
    compare(key, here.maps[key] ?? '(not set)', there.maps[key] ?? '(not set)');
  return found;
}

/** Numbers of Java are written with a point: 1.0. An empty element has two forms. */
const plain = (text: string): string =>
  text.replace(/^(-?\d+)\.0$/, '$1').replaceAll(/<([\w.:-]+)((?: [^<>]*?)?)><\/\1>/g, '<$1$2/>');

import { bad, good, type Setting } from '../../adapter/setting.ts';

/**
 * A glob such as `*.hl7`: `*` and `?` for any characters, `[abc]` and `{hl7,txt}` for a choice.
 * With a `/` it is compared with the path below the folder.
 */
export const filePattern: Setting<string, string> = {
  kind: 'text',
  help: 'A glob: * and ? stand for any characters, [ab] and {hl7,txt} for a choice; with a / it is compared with the path below the folder. Separate several with ; in one text.',
  example: '*.hl7',
  read: (given) => {
    if (typeof given !== 'string' || given === '' || given.startsWith('/')) {
      return bad('must be a pattern such as *.hl7 or lab/*.txt');
    }
    const problem = problemOf(given);
    return problem === undefined ? good(given) : bad(problem);
  },
};

/** Other shell syntax: taken literally, it would silently match no file at all. */
function problemOf(pattern: string): string | undefined {
  if (/\{[^{},]*\.\.[^{},]*\}/.test(pattern)) {
    return 'has a range in braces: write each choice, such as {1,2,3}';
  }
  if (/[@!+*?]\([^)]*\)/.test(pattern)) {
    return 'has parentheses: write choices in braces, such as {lab,ward}';
  }
  return choices(pattern).length === 0
    ? 'expands to more than 1000 patterns: write fewer choices'
    : undefined;
}

/** Whether one of the patterns matches a file. `path` is relative to the folder that is looked at. */
export function isMeant(path: string, patterns: readonly string[]): boolean {
  let made = known.get(patterns);
  if (made === undefined) {
    made = patterns
      .flatMap((pattern) => pattern.split(';'))
      .map((pattern) => pattern.trim())
      .map((pattern) => ({ ofPath: pattern.includes('/'), globs: globsOf(pattern) }));
    known.set(patterns, made);
  }
  if (made.some(({ ofPath }) => ofPath)) {
    const names = namesOf(path);
    if (made.some(({ ofPath, globs }) => ofPath && matches(names, globs))) return true;
  }
  const names = namesOf(path.slice(path.lastIndexOf('/') + 1));
  return made.some(({ ofPath, globs }) => !ofPath && matches(names, globs));
}

/** Read once: a folder may hold a million files, and each is compared with all of them. */
const known = new WeakMap<readonly string[], readonly Pattern[]>();

interface Pattern {
  readonly ofPath: boolean;
  readonly globs: readonly Glob[];
}

/** Choices in braces multiply; nobody means more than this. */
const MOST = 1_000;

/**
 * Whether a glob matches a path, in a time that grows linearly with their lengths: whoever names
 * files must not be able to hold up others. As in a shell, `*` and `?` match no slash and no dot at
 * the beginning of a name; `**` as a whole segment matches any number of folders.
 */
export function matchesGlob(path: string, glob: string): boolean {
  return matches(namesOf(path), globsOf(glob));
}

type Glob = readonly (readonly Part[] | typeof MANY)[];

const globsOf = (glob: string): Glob[] =>
  choices(glob).map((one) => {
    // A glob that ends with any folders means the files in them.
    const whole = /(?:^|\/)\*\*$/.test(one) ? `${one}/*` : one;
    return whole.split('/').map(partsOf);
  });

const namesOf = (path: string): Name[] => path.split('/').map((name) => Array.from(name));

const matches = (names: readonly Name[], globs: readonly Glob[]): boolean => {
  const [name] = names;
  return globs.some((glob) => {
    const [only] = glob;
    const isPlain = names.length === 1 && glob.length === 1 && only !== MANY;
    return isPlain ? isName(name ?? [], only ?? []) : isPath(names, glob);
  });
};

/** One character, one of several, any one, or any number of any. */
type Part = string | RegExp | typeof ANY | typeof MANY;
const ANY = Symbol('?');
const MANY = Symbol('*');

/** Every glob without braces that one with braces expands to. */
function choices(glob: string): readonly string[] {
  const done: string[] = [];
  const open = [glob];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const group = firstGroup(one);
    if (group === undefined) done.push(one);
    else for (const option of group.options) open.push(group.before + option + group.after);
    if (done.length + open.length > MOST) return [];
  }
  return done;
}

/** The first braces that contain a comma; others are ordinary characters. */
function firstGroup(
  glob: string,
): { readonly before: string; readonly options: string[]; readonly after: string } | undefined {
  const starts: { readonly at: number; readonly commas: number[] }[] = [];
  for (let at = 0; at < glob.length; at += 1) {
    const char = glob[at];
    if (char === '\\') at += 1;
    else if (char === '{') starts.push({ at, commas: [] });
    else if (char === ',') starts.at(-1)?.commas.push(at);
    else if (char === '}') {
      const start = starts.pop();
      if (start === undefined || start.commas.length === 0) continue;
      const edges = [start.at, ...start.commas, at];
      return {
        before: glob.slice(0, start.at),
        options: edges.slice(1).map((edge, index) => glob.slice((edges[index] ?? 0) + 1, edge)),
        after: glob.slice(at + 1),
      };
    }
  }
  return undefined;
}

function partsOf(segment: string): readonly Part[] | typeof MANY {
  if (segment === '**') return MANY;
  const found = segment.match(/\\[^]|\[[!^]?\]?[^\]]*\]|[^]/gu) ?? [];
  return found.map((part) => {
    if (part === '*') return MANY;
    if (part === '?') return ANY;
    if (part.startsWith('[') && part.length > 1) return classOf(part) ?? part;
    return part.startsWith('\\') && part.length > 1 ? part.slice(1) : part;
  });
}

function classOf(text: string): RegExp | undefined {
  const inside = text.slice(1, -1).replace(/^[!^]/, '');
  const negated = /^\[[!^]/.test(text) ? '^' : '';
  try {
    return new RegExp(
      `^[${negated}${inside.replaceAll(/[[\]\\^&|~!#$%*+,.:;<=>?@`{}()/]/g, '\\$&')}]$`,
      'u',
    );
  } catch {
    // SyntaxError: a backward range matches nothing
    return undefined;
  }
}

type Name = readonly string[];

/** Which beginnings of the glob match the path so far: one row for each name, as in an automaton. */
function isPath(
  names: readonly Name[],
  segments: readonly (readonly Part[] | typeof MANY)[],
): boolean {
  let fits = [
    true,
    ...segments.map((_, at) => segments.slice(0, at + 1).every((one) => one === MANY)),
  ];
  for (const name of names) {
    const next = [false];
    for (const [at, segment] of segments.entries()) {
      next.push(
        segment === MANY
          ? next[at] === true || (fits[at + 1] === true && name[0] !== '.')
          : fits[at] === true && isName(name, segment),
      );
    }
    fits = next;
  }
  return fits.at(-1) === true;
}

/** Only the last `*` is ever revisited: whatever an earlier one could match, the last one can as well. */
function isName(name: Name, parts: readonly Part[]): boolean {
  if (name.length === 0) return parts.length === 0;
  if (differsAtAnEnd(name, parts)) return false;
  let [at, part, star, resume] = [0, 0, -1, 0];
  while (at < name.length) {
    if (parts[part] === MANY) {
      [star, resume] = [part, at];
      part += 1;
    } else if (part < parts.length && isChar(name[at] ?? '', parts[part])) {
      at += 1;
      part += 1;
    } else if (star >= 0) {
      resume += 1;
      [at, part] = [resume, star + 1];
    } else return false;
  }
  while (parts[part] === MANY) part += 1;
  return part === parts.length;
}

/** Decides most names without comparing the rest. */
function differsAtAnEnd(name: Name, parts: readonly Part[]): boolean {
  if (name[0] === '.' && parts[0] !== '.') return true;
  const last = parts.at(-1);
  return typeof last === 'string' && last !== name.at(-1);
}

function isChar(char: string, part: Part | undefined): boolean {
  if (part === ANY) return true;
  return part instanceof RegExp ? part.test(char) : part === char;
}

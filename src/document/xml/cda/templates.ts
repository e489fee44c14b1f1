import { readFileSync } from 'node:fs';
import { nearest } from '../../../error/nearest.ts';

interface Template {
  readonly title: string;
  readonly root: string;
}

/** `templates.json` has the templates of HL7's Consolidated CDA: title and object identifier. Read once, by the first that needs it. */
let known: ReadonlyMap<string, Template> | undefined;

function templates(): ReadonlyMap<string, Template> {
  if (known === undefined) {
    const file = readFileSync(new URL('templates.json', import.meta.url), 'utf8');
    const entries = Object.entries(JSON.parse(file) as Readonly<Record<string, string>>);
    known = new Map(entries.map(([title, root]) => [plain(title), { title, root }]));
  }
  return known;
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z\d]/g, '');

/** A section has one identifier where its entries are required, and one without its last part where they are not. */
const REQUIRED = /^(2\.16\.840\.1\.113883\.10\.20\.22\.2\.\d+)\.1$/;

/**
 * The object identifiers of a template, by its title in Consolidated CDA, whatever its case, or by an identifier itself;
 * undefined if there is none of that name.
 */
export function templateRoots(name: string): readonly string[] | undefined {
  if (/^\d+(?:\.\d+)+$/.test(name)) return [name];
  const root = templates().get(plain(name))?.root;
  if (root === undefined) return undefined;
  const [, optional] = REQUIRED.exec(root) ?? [];
  return optional === undefined ? [root] : [root, optional];
}

/** What is wrong with a name that `templateRoots` does not know. */
export function unknownTemplate(name: string): string {
  const near = nearest(plain(name), templates().keys());
  const title = near === undefined ? undefined : templates().get(near)?.title;
  const hint = title === undefined ? 'write its object identifier' : `the nearest is "${title}"`;
  return `Consolidated CDA has no template "${name}"; ${hint}`;
}

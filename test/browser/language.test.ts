import { describe, expect, test } from 'vitest';
import { moment } from '../../console/src/language/moment.ts';
import { serverText } from '../../console/src/language/server-text.ts';
import { rich, t } from '../../console/src/language/translate.ts';
import { consoleFolders, placesOf, textsOf } from '../support/console-texts.ts';
import { germanTexts } from '../support/german-texts.ts';

/** Both languages have a form for one and one for other numbers. */
const FORMS = 2;

const folders = [...consoleFolders()].map(([folder, files]) => {
  const texts = files.map((file) => textsOf(file));
  return {
    folder,
    keys: new Set(texts.flatMap(({ keys }) => keys)),
    raw: texts.flatMap(({ raw }) => raw),
  };
});
const german = await germanTexts();

const formsOf = (text: string): string[] =>
  [...text.matchAll(/\{\w+\|([^{}]*)\}/g)].map(([, forms = '']) => forms);

const found = (source: string): string[] =>
  textsOf('a.tsx', source).raw.map((line) => line.replace(/^a\.tsx:\d+ /, ''));

const messagesTo = (count: number): string =>
  t('{count} {count|message|messages} to {host}', { count, host: 'ward' });

describe.for(folders)('the texts of $folder', ({ folder, keys, raw }) => {
  test('are all in its German catalogue, which has no others', () => {
    expect(Object.keys(german.get(folder) ?? {}).toSorted()).toEqual([...keys].toSorted());
  });

  test('all go through t', () => {
    expect(raw).toEqual([]);
  });
});

test('each German text has the places of the English one, and a form for each number', () => {
  for (const [english, text] of [...german.values()].flatMap(Object.entries<string>)) {
    expect(placesOf(text), english).toEqual(placesOf(english));
    for (const forms of [...formsOf(english), ...formsOf(text)])
      expect(forms.split('|'), english).toHaveLength(FORMS);
    expect(text, english).toMatch(/^\S(?:.*\S)?$/);
  }
});

test('an English text means one thing in all folders', () => {
  const meanings = new Map<string, string>();
  for (const [english, text] of [...german.values()].flatMap(Object.entries<string>)) {
    expect(text, `${english}: tell it apart with " ## "`).toBe(meanings.get(english) ?? text);
    meanings.set(english, text);
  }
});

test('every catalogue belongs to a folder', () => {
  const known = new Set(folders.map(({ folder }) => folder));
  expect([...german.keys()].filter((name) => !known.has(name))).toEqual([]);
});

describe('what is found in the source', () => {
  test.for([
    ['<b>Newest first</b>', 'Newest first'],
    ['<b>{many ? "open" : t("closed")}</b>', 'open'],
    ['<b>by {name}</b>', 'by'],
    ['<b>{name} {`${who}, alone`}</b>', '{}, alone'],
    ['<Tabs label="views" />', 'views'],
    ['<Tabs title={`${n} rows`} />', '{} rows'],
    ['<Modal footer={<b>Send</b>} />', 'Send'],
    ['const a = { label: "time" };', 'time'],
    ['const a = [["j k", "down, then up"]];', 'down, then up'],
    ['const a = () => "Dashboard";', 'Dashboard'],
    ['document.title = `Sign in · ${name}`;', 'Sign in · {}'],
    ['t(name);', 'the text of t() is not written out'],
    ['t(`a ${b}`);', 'the text of t() is not written out'],
  ] as const)('%s has to be translated', ([source, text]) => {
    expect(found(source)).toEqual([text]);
  });

  test.for([
    '<b className="flex truncate">{t("Newest first")} · MRN <kbd>esc {t("enter")}</kbd></b>',
    '<b className={open ? "block truncate" : "hidden truncate"} id="main list">Waybill</b>',
    'import { a } from "./no such file.ts"; type A = "one two";',
    'const a = { "one two": 1 }[key === "Arrow Up" ? x["Some thing"] : 0];',
    'const a = matchMedia("(orientation: portrait)"); b.querySelector("input, select");',
    'this.name = "ApiProblem";',
    'const STYLE = "border-line text-ink truncate";',
  ])('%s has nothing to translate', (source) => {
    expect(found(source)).toEqual([]);
  });

  test('what is said through t and rich is found, wherever it stands', () => {
    const { keys, raw } = textsOf(
      'a.tsx',
      'const A = { label: t("one") }; const b = <b title={t("{n} of two", { n })}>{rich("<a>go</a>", { a: (x) => <a>{t("x")}</a> })}</b>;',
    );
    expect(keys).toEqual(['one', '{n} of two', '<a>go</a>', 'x']);
    expect(raw).toEqual([]);
  });

  test('a text whose value is not given, or that has no such place, does not compile', () => {
    // @ts-expect-error: the value of {count} is missing
    expect(t('{count} found')).toBe('undefined found');
    // @ts-expect-error: there is no {more}
    expect(t('found', { more: 1 })).toBe('found');
  });
});

describe('a text in English', () => {
  test('has its values and the form that a number takes', () => {
    expect([messagesTo(1), messagesTo(0), messagesTo(12_345)]).toEqual([
      '1 message to ward',
      '0 messages to ward',
      '12,345 messages to ward',
    ]);
  });

  test('says nothing of what only tells it apart', () => {
    expect(t('open ## of an alert')).toBe('open');
  });

  test('has elements in it', () => {
    const { props } = rich('Go <link>to {page}</link>, {name}', {
      link: (inside) => inside as never,
      page: 'X',
      name: 'Ann',
    });
    expect((props as { children: unknown }).children).toEqual(['Go ', 'to X', ', ', 'Ann', '']);
  });
});

test('a time in a text of the server is shown in the zone of the browser, a date or what is no time as it is', () => {
  const at = Date.UTC(2026, 10, 25, 23, 5, 33);
  expect(serverText('off by its schedule until 2026-11-25T23:05:33.000Z')).toBe(
    `off by its schedule until ${moment(at)}`,
  );
  expect(moment(at)).toBe(
    new Date(at - new Date(at).getTimezoneOffset() * 60_000)
      .toISOString()
      .replace('T', ' ')
      .slice(0, 19),
  );
  for (const other of ['the certificate ends on 2026-11-25', '2026-99-25T23:05:33Z'])
    expect(serverText(other)).toBe(other);
});

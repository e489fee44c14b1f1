import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type {
  CodeAction,
  CompletionItem,
  Hover,
  Location,
  WorkspaceEdit,
} from 'vscode-languageserver';
import { Editor, SERVER } from '../support/editor.ts';
import { productionFolder } from '../support/production.ts';

const MAIN = `production: hub
include: hosts/*.yaml
services:
  adt-in:
    adapter: mllp-in
    settings: { listen: 127.0.0.1:2575 }
    to: [router]
processes:
  router:
    title: Decides about admissions
    profile: lab
    rules:
      - name: admissions
        when: type == "ADT_A01" && field("PV1-2") == "I"
        send: { to: ward, transform: to-ward }
      - otherwise: discard
  letters:
    code: processes/letters.ts
    to: [ward]
transforms:
  to-ward: transforms/to-ward.yaml
lookups: { wards: lookups/wards.csv }
profiles: { lab: profiles/lab.yaml }
`;
const FILES = {
  'production.yaml': MAIN,
  'hosts/ward.yaml': `operations:
  ward:
    adapter: mllp-out
    settings:
      connect: ward.example:2575
    answersTo: [letters]
`,
  'overlays/test.yaml': 'operations: { ward: { settings: { connect: localhost:2575 } } }\n',
  'transforms/to-ward.yaml': `steps:
  - set: PV1-3.1
    to: lookup("wards", field("PV1-3.1"), "X")
`,
  'lookups/wards.csv': 'A,1\n',
  'profiles/lab.yaml': 'edifact: MEDRPT\nelements: { BGM-1: { required: true } }\n',
  'processes/letters.ts': `import { defineProcess } from 'waybill';
console.log('this must not get between the answers');
process.stdout.write('nor this');
export default defineProcess(async (message, context) => { context.send('ward', message.body); });
`,
  'production.test.yaml': `cases:
  - name: an admission
    text: MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5
    expect: { ward: 1 }
`,
};

describe('an editor with the client library of the protocol', () => {
  const refused = (newName: string): Promise<unknown> =>
    editor.ask('rename', main, 'to: wa|rd,', { newName });
  let folder: Awaited<ReturnType<typeof productionFolder>>;
  let editor: Editor;
  const main = 'production.yaml';
  const labels = async (path: string, wanted: string): Promise<string[]> =>
    (await editor.ask<CompletionItem[]>('completion', path, wanted)).map(({ label }) => label);
  const hover = async (path: string, wanted: string): Promise<string> => {
    const { contents } = await editor.ask<Hover>('hover', path, wanted);
    return (contents as { value: string }).value;
  };
  const typed = async (
    path: string,
    change: readonly [string, string],
    look: () => Promise<void>,
  ): Promise<void> => {
    const before = editor.text(path);
    if (!before.includes(change[0])) throw new Error(`${path} has no ${change[0]}`);
    await editor.type(path, (text) => text.replace(...change));
    try {
      await look();
    } finally {
      await editor.type(path, () => before);
    }
  };
  const reported = async (path: string, message: string): Promise<void> => {
    await vi.waitFor(() => expect(editor.problems(path).join('\n')).toContain(message));
  };

  beforeAll(async () => {
    folder = await productionFolder(FILES);
    editor = await Editor.in(folder.path);
    for (const path of Object.keys(FILES).filter((one) => one.endsWith('.yaml'))) {
      await editor.open(path);
    }
    await editor.checked(main);
  });
  beforeEach(async () => {
    editor.warnings.length = 0;
    for (const [path, text] of Object.entries(FILES)) {
      if (path.endsWith('.yaml') && editor.text(path) !== text) await editor.type(path, () => text);
    }
  });
  afterAll(async () => {
    await editor[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test('problems are those of check, at their places, before anything is saved', async () => {
    await typed(main, ['to: [router]', 'to: [ruoter]'], async () => {
      const what =
        'services.adt-in.to[0]: there is no process or operation ruoter. Did you mean router?';
      await reported(main, what);
      const [first] = editor.diagnostics.get(editor.uri(main))?.diagnostics ?? [];
      expect(first?.range).toEqual({
        start: { line: 6, character: 9 },
        end: { line: 6, character: 15 },
      });
    });
    await typed('transforms/to-ward.yaml', ['set: PV1-3.1', 'set: PV1-99'], () =>
      reported('transforms/to-ward.yaml', 'PV1 has 52 fields'),
    );
    await vi.waitFor(() => expect(editor.problems('transforms/to-ward.yaml')).toEqual([]));
    expect(editor.problems(main)).toEqual([]);
  });

  test('the cases of tests and an overlay that is open are checked, too', async () => {
    await typed('production.test.yaml', ['{ ward: 1 }', '{ wrad: 1 }'], () =>
      reported('production.test.yaml', 'there is no target wrad. Did you mean ward?'),
    );
    await typed('overlays/test.yaml', ['connect', 'conect'], () =>
      reported('overlays/test.yaml', 'no such setting. Did you mean connect?'),
    );
    await vi.waitFor(() => expect(editor.problems('overlays/test.yaml')).toEqual([]));
  });

  test('keys are those of the grammar and of the adapter that is named', async () => {
    await typed(main, ['    to: [router]\n', '    to: [router]\n    \n'], async () => {
      const found = await labels(main, 'to: [router]\n    |\n');
      expect(found).toContain('duplicates');
      expect(found).not.toContain('adapter');
    });
    await typed('hosts/ward.yaml', ['2575\n', '2575\n      re\n'], async () => {
      const found = await labels('hosts/ward.yaml', '      re|');
      expect(found).toContain('tls');
      expect(found).not.toContain('listen');
    });
    await typed(main, ['mllp-in', 'm'], async () => {
      expect(await labels(main, 'adapter: m|')).toEqual(
        expect.arrayContaining(['mllp-in', 'mqtt-in']),
      );
      expect(await labels(main, 'adapter: m|')).not.toContain('mllp-out');
    });
    await typed(
      'transforms/to-ward.yaml',
      ['    to: lookup', '    when: true\n    \n    to: lookup'],
      async () => {
        const found = await labels('transforms/to-ward.yaml', 'true\n    |\n');
        expect(found).toEqual(expect.arrayContaining(['value', 'comment']));
        expect(found).not.toContain('remove');
      },
    );
  });

  test('values are names, words, paths, codes and functions', async () => {
    await typed(main, ['send: { to: ward', 'send: { to: '], async () => {
      expect(await labels(main, 'send: { to: |')).toEqual(['router', 'letters', 'ward']);
    });
    await typed(main, ['    to: [ward]\n', '    to: [ward]\n    validate: \n'], async () => {
      expect(await labels(main, 'validate: |')).toEqual(['none', 'structure', 'full']);
    });
    await typed(main, ['field("PV1-2")', 'field("PID-3.")'], async () => {
      const found = await editor.ask<CompletionItem[]>('completion', main, 'field("PID-3.|');
      expect(found[0]).toMatchObject({ label: 'PID-3.1', detail: 'ID Number' });
      expect(found.map(({ label }) => label)).toContain('PID-3.4');
    });
    await typed(main, ['== "I"', '== "'], async () => {
      expect(await labels(main, 'field("PV1-2") == "|')).toEqual(
        expect.arrayContaining(['E', 'I']),
      );
    });
    await typed(main, ['&& field("PV1-2") == "I"', '&& fi'], async () => {
      expect(await labels(main, '&& fi|')).toEqual(expect.arrayContaining(['field', 'type']));
    });
    await typed('transforms/to-ward.yaml', ['"wards"', '"w'], async () => {
      expect(await labels('transforms/to-ward.yaml', 'lookup("w|')).toEqual(['wards']);
    });
    await typed(
      'transforms/to-ward.yaml',
      ['lookup("wards", ', 'ediErrors("guide", "l'],
      async () => {
        expect(await labels('transforms/to-ward.yaml', '"guide", "l|')).toEqual(['lab']);
      },
    );
    await typed('production.test.yaml', ['{ ward: 1 }', '{ w }'], async () => {
      expect(await labels('production.test.yaml', 'expect: { w|')).toContain('ward');
    });
  });

  test('a file that is broken elsewhere still gives completions', async () => {
    await typed(main, ['lookups: {', 'lookups: { { ['], () =>
      typed(main, ['send: { to: ward', 'send: { to: wa'], async () => {
        expect(await labels(main, 'send: { to: wa|')).toContain('ward');
      }),
    );
  });

  test('keys, names, paths and functions are explained', async () => {
    expect(await hover('hosts/ward.yaml', 'conn|ect')).toContain('Example: `');
    expect(await hover(main, '[rout|er]')).toContain('Decides about admissions');
    const field = await hover(main, 'field("PV|1-2")');
    expect(field).toContain('**PV1-2** Patient Class');
    expect(field).toContain('table 0004');
    expect(field).toContain('- `I` Inpatient');
    expect(await hover(main, 'fie|ld("PV1-2")')).toContain('field(string, string)');
    expect(await hover('transforms/to-ward.yaml', 'PV|1-3.1')).toContain(
      'Assigned Patient Location',
    );
    expect(await hover('transforms/to-ward.yaml', 'lookup("wa|rds"')).toContain(
      'lookups/wards.csv',
    );
  });

  test('a name leads to where it is defined, and to everything that uses it', async () => {
    const [host] = await editor.ask<Location[]>('definition', main, 'to: wa|rd,');
    expect(host).toMatchObject({
      uri: editor.uri('hosts/ward.yaml'),
      range: { start: { line: 1, character: 2 } },
    });
    const [transform] = await editor.ask<Location[]>('definition', main, 'transform: to-wa|rd');
    expect(transform?.uri).toBe(editor.uri('transforms/to-ward.yaml'));
    const [module] = await editor.ask<Location[]>('definition', main, 'processes/let|ters');
    expect(module?.uri).toBe(editor.uri('processes/letters.ts'));
    const [table] = await editor.ask<Location[]>(
      'definition',
      'transforms/to-ward.yaml',
      '"wa|rds"',
    );
    expect(table?.uri).toBe(editor.uri('lookups/wards.csv'));

    const context = { includeDeclaration: false };
    const uses = await editor.ask<Location[]>('references', main, 'to: wa|rd,', { context });
    expect(uses.map(({ uri }) => uri).toSorted()).toEqual(
      [main, main, 'production.test.yaml'].map((path) => editor.uri(path)).toSorted(),
    );
  });

  test('an outline shows hosts with their rules, and the steps of a transform', async () => {
    const processes = (await editor.outline(main)).find(({ name }) => name === 'processes');
    const [router] = processes?.children ?? [];
    expect(router?.name).toBe('router');
    expect(router?.children?.map(({ name }) => name)).toEqual(['admissions', 'otherwise discard']);
    const [steps] = await editor.outline('transforms/to-ward.yaml');
    expect(steps?.children?.map(({ name }) => name)).toEqual(['set PV1-3.1']);
  });

  test('a mistyped name is mended by one action, and an unused one removed', async () => {
    const actions = async (path: string, wanted: string): Promise<CodeAction[]> => {
      const { textDocument, position } = editor.at(path, wanted);
      const range = { start: position, end: position };
      return editor.connection.sendRequest('textDocument/codeAction', {
        textDocument,
        range,
        context: { diagnostics: [] },
      });
    };
    const before = editor.text(main);
    await editor.type(main, (text) => text.replace('to: [router]', 'to: [ruoter]'));
    await reported(main, 'Did you mean router?');
    const [mend] = await actions(main, 'ruo|ter');
    expect(mend).toMatchObject({ title: 'Change to router', isPreferred: true });
    await editor.apply(mend?.edit ?? {});
    expect(editor.text(main)).toBe(before);

    await editor.type(main, (text) =>
      text.replace('transforms:\n', 'transforms:\n  old: transforms/to-ward.yaml\n'),
    );
    await reported(main, 'nothing uses it');
    const [remove] = await actions(main, 'ol|d:');
    expect(remove).toMatchObject({ title: 'Remove old' });
    await editor.apply(remove?.edit ?? {});
    expect(editor.text(main)).toBe(before);
  });

  test('a host is renamed in every file; code and the queue are spoken of', async () => {
    const edit = await editor.ask<WorkspaceEdit>('rename', main, 'to: wa|rd,', {
      newName: 'ward-3',
    });
    await editor.apply(edit);
    expect(editor.text('hosts/ward.yaml')).toContain('\n  ward-3:\n');
    expect(editor.text(main)).toContain('send: { to: ward-3, transform: to-ward }');
    expect(editor.text('production.test.yaml')).toContain('{ ward-3: 1 }');
    expect(editor.text('overlays/test.yaml')).toContain('{ ward-3: { settings');
    await vi.waitFor(() => expect(editor.warnings.join()).toContain('processes/letters.ts:4'));
    expect(editor.warnings.join()).toContain(
      'What waits in the queue of ward stays under that name',
    );
    await vi.waitFor(() => expect(editor.problems(main)).toEqual([]));
  });

  test('a name that is none, or taken, is refused', async () => {
    await expect(refused('no_such')).rejects.toThrow('up to 63 letters, digits and inner hyphens');
    await expect(refused('Router')).rejects.toThrow('There is already a host named Router');
  });

  test('a transform is renamed where it is named, and not the host of nearly that name', async () => {
    const before = editor.text(main);
    const edit = await editor.ask<WorkspaceEdit>('rename', main, '  to-wa|rd: ', {
      newName: 'short',
    });
    await editor.apply(edit);
    expect(editor.text(main)).toBe(
      before.replace('transform: to-ward', 'transform: short').replace('  to-ward:', '  short:'),
    );
  });

  test('documents elsewhere, without a production or without a file, are left alone', async () => {
    const textDocument = {
      uri: 'untitled:Untitled-1',
      languageId: 'yaml',
      version: 1,
      text: 'a: b',
    };
    await editor.connection.sendNotification('textDocument/didOpen', { textDocument });
    const position = { line: 0, character: 1 };
    const found = await editor.connection.sendRequest('textDocument/hover', {
      textDocument,
      position,
    });
    expect(found).toBeNull();
  });
});

test('the extension for Visual Studio Code starts this server', async () => {
  const folder = join(import.meta.dirname, '../../editors/vscode');
  const [code, text] = await Promise.all(
    ['extension.cjs', 'package.json'].map((name) => readFile(join(folder, name), 'utf8')),
  );
  const started: unknown[] = [];
  const modules: Readonly<Record<string, unknown>> = {
    vscode: {
      commands: { registerCommand: () => undefined },
      workspace: {
        getConfiguration: () => ({ get: (key: string) => (key === 'overlays' ? ['test'] : '') }),
        createFileSystemWatcher: () => undefined,
        workspaceFolders: [{ uri: { fsPath: '/nowhere' } }],
      },
    },
    'vscode-languageclient/node': {
      LanguageClient: class {
        constructor(...given: unknown[]) {
          started.push(given[2]);
        }
        async start(): Promise<void> {}
      },
    },
  };
  const module: { exports: { activate?: (context: object) => Promise<void> } } = { exports: {} };
  const own = createRequire(import.meta.url);
  // oxlint-disable-next-line no-implied-eval -- Visual Studio Code gives it modules that cannot be had here
  new Function('require', 'module', code ?? '')(
    (name: string) => modules[name] ?? own(name),
    module,
  );
  await module.exports.activate?.({ subscriptions: [] });
  expect(started).toEqual([
    expect.objectContaining({ command: 'waybill', args: ['lsp', '--overlay', 'test'] }),
  ]);
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  expect(JSON.parse(text ?? '')).toMatchObject({ version, main: './extension.cjs' });
});

test.skipIf(!existsSync('/usr/bin/nvim'))(
  'Neovim shows problems, completes and renames',
  async () => {
    await using folder = await productionFolder({
      ...FILES,
      'production.yaml': MAIN.replace('to: [router]', 'to: [ruoter]'),
    });
    const script = join(folder.path, 'try.lua');
    await writeFile(script, LUA);
    const { stdout } = await promisify(execFile)('nvim', ['--headless', '--clean', '-l', script], {
      cwd: folder.path,
      env: { ...process.env, WAYBILL_LSP: JSON.stringify(SERVER) },
    });
    const said = JSON.parse(stdout) as { problems: string[]; labels: string[]; hover: string };
    expect(said.problems).toEqual([expect.stringContaining('Did you mean router?')]);
    expect(said.labels).toEqual(['router', 'letters', 'ward']);
    expect(said.hover).toContain('Patient Class');
    expect(await readFile(join(folder.path, 'hosts/ward.yaml'), 'utf8')).toContain('\n  ward-3:\n');
  },
);

/** What a person would do, with Neovim's own client. */
const LUA = `
vim.cmd.edit('production.yaml')
local id = vim.lsp.start({ name = 'waybill', cmd = vim.json.decode(vim.env.WAYBILL_LSP), root_dir = vim.fn.getcwd() })
local client = vim.lsp.get_client_by_id(id)
vim.wait(60000, function() return #vim.diagnostic.get(0) > 0 end, 20)
local problems = vim.tbl_map(function(one) return one.message end, vim.diagnostic.get(0))
local function at(text, behind)
  local row = vim.fn.search(text, 'w')
  local column = vim.fn.getline(row):find(text, 1, true) + behind - 1
  return { textDocument = { uri = vim.uri_from_bufnr(0) }, position = { line = row - 1, character = column } }
end
local function ask(method, params)
  return client.request_sync(method, params, 60000, 0).result
end
local labels = vim.tbl_map(function(one) return one.label end, ask('textDocument/completion', at('ruoter', 0)))
local hover = ask('textDocument/hover', at('PV1-2', 2)).contents.value
local params = at('ward, transform', 2)
params.newName = 'ward-3'
vim.lsp.util.apply_workspace_edit(ask('textDocument/rename', params), client.offset_encoding)
vim.cmd('silent wall')
io.stdout:write(vim.json.encode({ problems = problems, labels = labels, hover = hover }))
client.stop()
`;

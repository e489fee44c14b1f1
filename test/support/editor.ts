import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { vi } from 'vitest';
import {
  createMessageConnection,
  type DocumentSymbol,
  type MessageConnection,
  type PublishDiagnosticsParams,
  StreamMessageReader,
  StreamMessageWriter,
  type TextDocumentPositionParams,
  type WorkspaceEdit,
} from 'vscode-languageserver/node';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

export const SERVER = [process.execPath, '--conditions=waybill-source', MAIN, 'lsp'] as const;

/** An editor of the protocol's own client library, with a language server as its process. */
export class Editor implements AsyncDisposable {
  readonly folder: string;
  readonly connection: MessageConnection;
  /** What the server last said of each file, by its address. */
  readonly diagnostics = new Map<string, PublishDiagnosticsParams>();
  readonly warnings: string[] = [];
  readonly #texts = new Map<string, string>();
  readonly #child: ReturnType<typeof spawnServer>;
  #version = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.#child = spawnServer(folder);
    const { stdout, stdin } = this.#child;
    this.connection = createMessageConnection(
      new StreamMessageReader(stdout),
      new StreamMessageWriter(stdin),
    );
    this.connection.onNotification(
      'textDocument/publishDiagnostics',
      (told: PublishDiagnosticsParams) => {
        this.diagnostics.set(told.uri, told);
      },
    );
    this.connection.onNotification('window/showMessage', ({ message }: { message: string }) => {
      this.warnings.push(message);
    });
    this.connection.listen();
  }

  static async in(folder: string, capabilities: object = {}): Promise<Editor> {
    const editor = new Editor(folder);
    const options = { processId: process.pid, rootUri: null, capabilities };
    await editor.connection.sendRequest('initialize', options);
    await editor.connection.sendNotification('initialized', {});
    return editor;
  }

  uri(path: string): string {
    return pathToFileURL(join(this.folder, path)).href;
  }

  async open(path: string): Promise<void> {
    const text = await readFile(join(this.folder, path), 'utf8');
    this.#texts.set(path, text);
    const textDocument = {
      uri: this.uri(path),
      languageId: 'yaml',
      version: ++this.#version,
      text,
    };
    await this.connection.sendNotification('textDocument/didOpen', { textDocument });
  }

  /** Changes what the editor holds of a file, and saves nothing. */
  async type(path: string, change: (text: string) => string): Promise<void> {
    const text = change(this.#texts.get(path) ?? '');
    this.#texts.set(path, text);
    const textDocument = { uri: this.uri(path), version: ++this.#version };
    const contentChanges = [{ text }];
    await this.connection.sendNotification('textDocument/didChange', {
      textDocument,
      contentChanges,
    });
  }

  text(path: string): string {
    return this.#texts.get(path) ?? '';
  }

  /** The position behind the first place where the file has this text, or before a `|` in it. */
  at(path: string, wanted: string): TextDocumentPositionParams {
    const [before = '', behind = ''] = wanted.split('|');
    const index = this.text(path).indexOf(before + behind);
    if (index < 0) throw new Error(`${path} has no ${wanted}`);
    const lines = this.text(path)
      .slice(0, index + before.length)
      .split('\n');
    return {
      textDocument: { uri: this.uri(path) },
      position: { line: lines.length - 1, character: lines.at(-1)?.length ?? 0 },
    };
  }

  async ask<Answer>(
    method: string,
    path: string,
    wanted: string,
    more: object = {},
  ): Promise<Answer> {
    const params = { ...this.at(path, wanted), ...more };
    return this.connection.sendRequest(`textDocument/${method}`, params);
  }

  /** Waits until the server has checked a file. */
  async checked(path: string): Promise<void> {
    await vi.waitFor(() => {
      if (!this.diagnostics.has(this.uri(path))) throw new Error(`${path} is not checked yet`);
    });
  }

  async outline(path: string): Promise<DocumentSymbol[]> {
    const params = { textDocument: { uri: this.uri(path) } };
    return this.connection.sendRequest('textDocument/documentSymbol', params);
  }

  /** The messages of a file's problems. */
  problems(path: string): string[] {
    return (this.diagnostics.get(this.uri(path))?.diagnostics ?? []).map(({ message }) =>
      typeof message === 'string' ? message : message.value,
    );
  }

  /** Does what an edit of the server says, in the texts that are held. */
  async apply({ changes = {} }: WorkspaceEdit): Promise<void> {
    for (const [uri, edits] of Object.entries(changes)) {
      const path = [...this.#texts.keys()].find((one) => this.uri(one) === uri);
      if (path === undefined) throw new Error(`${uri} is not open`);
      await this.type(path, (text) => edited(text, edits));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#child, 'exit');
    await this.connection.sendRequest('shutdown');
    await this.connection.sendNotification('exit');
    await gone;
    this.connection.dispose();
  }
}

const spawnServer = (folder: string) => {
  const [command, ...args] = SERVER;
  return spawn(command, args, { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
};

type Edits = NonNullable<WorkspaceEdit['changes']>[string];

/** From the end, so that the places before stay where they are. */
function edited(text: string, edits: Edits): string {
  const lines = text.split('\n');
  const offsetOf = ({ line, character }: Edits[number]['range']['start']): number =>
    lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0) + character;
  return edits
    .map(({ range, newText }) => ({
      from: offsetOf(range.start),
      to: offsetOf(range.end),
      newText,
    }))
    .toSorted((a, b) => b.from - a.from)
    .reduce((rest, { from, to, newText }) => rest.slice(0, from) + newText + rest.slice(to), text);
}

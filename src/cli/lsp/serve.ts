import type {
  CodeAction,
  CodeActionParams,
  Connection,
  InitializeResult,
  Location,
  TextDocumentPositionParams,
} from 'vscode-languageserver';
import type { ReadOptions } from '../../definition/read.ts';
import { describeError } from '../../error/engine-error.ts';
import { completionsAt } from '../../language/complete.ts';
import { explainAt } from '../../language/explain.ts';
import {
  definitionsAt,
  type FileSpan,
  nameAt,
  outlineOf,
  usesOf,
} from '../../language/navigate.ts';
import type { Grammar } from '../../language/production.ts';
import { remediesOf } from '../../language/remedies.ts';
import { fromPosition, toAction, toDiagnostic, toItems, toRange, toSymbol } from './convert.ts';
import { checkOpen, Diagnostics } from './diagnostics.ts';
import { type Asked, OpenProductions } from './open-productions.ts';
import { answerRenames } from './renames.ts';

/** What the server can do, as the protocol says it. */
const CAPABILITIES: InitializeResult['capabilities'] = {
  // a document as a whole: some 60 kB at most
  textDocumentSync: { openClose: true, change: 1, save: true },
  completionProvider: { triggerCharacters: ['"', "'", '-', '.', ' ', '(', '[', '{'] },
  hoverProvider: true,
  definitionProvider: true,
  referencesProvider: true,
  documentSymbolProvider: true,
  codeActionProvider: { codeActionKinds: ['quickfix'] },
  renameProvider: { prepareProvider: true },
};

export interface Serving {
  readonly grammar: Promise<Grammar>;
  readonly options: Omit<ReadOptions, 'assume' | 'open' | 'host'>;
  readonly version: string;
  readonly refusal: (text: string) => Error;
}

/** Answers an editor until it goes. */
export function serve(connection: Connection, serving: Serving): void {
  const { grammar, options, version, refusal } = serving;
  const productions = new OpenProductions(grammar);
  const diagnostics = new Diagnostics({
    productions,
    check: (folder) => checkOpen(folder, { ...options, open: productions.open }),
    publish: (uri, found) => connection.sendDiagnostics({ uri, diagnostics: found }),
    failed: (error) => connection.console.error(`check: ${describeError(error).text}`),
  });
  let annotates = false;
  connection.onInitialize(({ capabilities: { workspace } }) => {
    annotates = workspace?.workspaceEdit?.changeAnnotationSupport !== undefined;
    return { capabilities: CAPABILITIES, serverInfo: { name: 'waybill', version } };
  });
  connection.onShutdown(() => diagnostics.stop());
  followDocuments(connection, productions, diagnostics);
  answerPositions(connection, productions);
  answerRenames(connection, productions, { annotates: () => annotates, refusal });
  connection.onDocumentSymbol(async ({ textDocument }) => {
    const asked = await productions.asked(textDocument.uri, 'quick');
    return asked === undefined ? null : outlineOf(asked.file).map(toSymbol);
  });
  connection.onCodeAction((params) => actions(productions, params));
  connection.listen();
}

function followDocuments(
  connection: Connection,
  productions: OpenProductions,
  diagnostics: Diagnostics,
): void {
  connection.onDidOpenTextDocument(({ textDocument: { uri, text } }) =>
    diagnostics.changed(productions.put(uri, text)),
  );
  connection.onDidChangeTextDocument(({ textDocument: { uri }, contentChanges }) => {
    const text = contentChanges.at(-1)?.text;
    if (text !== undefined) diagnostics.changed(productions.put(uri, text));
  });
  connection.onDidCloseTextDocument(({ textDocument: { uri } }) =>
    diagnostics.changed(productions.drop(uri)),
  );
  // code and tables that are not open here may have been saved elsewhere
  const all = (): void => {
    for (const folder of productions.folders()) diagnostics.changed(folder);
  };
  connection.onDidSaveTextDocument(all);
  connection.onDidChangeWatchedFiles(all);
}

function answerPositions(connection: Connection, productions: OpenProductions): void {
  connection.onCompletion(async (params) => {
    const asked = await productions.asked(params.textDocument.uri, 'quick');
    const at = fromPosition(params.position);
    return asked === undefined ? [] : toItems(completionsAt(asked.view, asked.file, at), at);
  });
  connection.onHover(async (params) => {
    const asked = await productions.asked(params.textDocument.uri, 'quick');
    const found = asked && explainAt(asked.view, asked.file, fromPosition(params.position));
    if (found === undefined) return null;
    return { contents: { kind: 'markdown', value: found.text }, range: toRange(found.span) };
  });
  const located = async (
    params: TextDocumentPositionParams,
    find: (asked: Asked, at: ReturnType<typeof fromPosition>) => readonly FileSpan[],
  ): Promise<Location[]> => {
    const asked = await productions.asked(params.textDocument.uri);
    if (asked === undefined) return [];
    const { folder } = asked.view;
    return find(asked, fromPosition(params.position)).map(({ path, span }) => ({
      uri: productions.uriOf(folder, path),
      range: toRange(span),
    }));
  };
  connection.onDefinition((params) =>
    located(params, ({ view, file }, at) => definitionsAt(view, file, at)),
  );
  connection.onReferences((params) =>
    located(params, ({ view, file }, at) => {
      const use = nameAt(file, at);
      const uses = use === undefined ? [] : usesOf(view, use);
      return uses.filter(({ defines }) => !defines || params.context.includeDeclaration);
    }),
  );
}

/** What can be done about the problems that the last check found in a range. */
async function actions(
  productions: OpenProductions,
  { textDocument: { uri }, range }: CodeActionParams,
): Promise<CodeAction[]> {
  const asked = await productions.asked(uri);
  if (asked === undefined) return [];
  const { view, file } = asked;
  const problems = productions.problems.get(view.folder) ?? [];
  return problems
    .filter((one) => one.file === file.path)
    .flatMap((problem) => {
      const diagnostic = toDiagnostic(problem, file);
      const { start, end } = diagnostic.range;
      const isThere = start.line <= range.end.line && end.line >= range.start.line;
      return isThere
        ? remediesOf(file, problem).map((remedy) => toAction(uri, remedy, diagnostic))
        : [];
    });
}

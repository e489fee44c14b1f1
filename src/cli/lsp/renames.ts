import type {
  Connection,
  RenameParams,
  TextDocumentEdit,
  TextEdit,
  WorkspaceEdit,
} from 'vscode-languageserver';
import { type FileSpan, nameAt } from '../../language/navigate.ts';
import { type Renaming, renaming } from '../../language/rename.ts';
import { fromPosition, toRange } from './convert.ts';
import type { OpenProductions } from './open-productions.ts';

/** What an editor needs to be asked, or told, while something is renamed. */
export interface RenameEditor {
  /** Whether it shows changes of which it is not sure, and lets a person choose. */
  readonly annotates: () => boolean;
  /** An error whose text the editor shows. */
  readonly refusal: (text: string) => Error;
}

/** Renames hosts, transforms, lookups, record maps and credentials in all files of a production. */
export function answerRenames(
  connection: Connection,
  productions: OpenProductions,
  editor: RenameEditor,
): void {
  connection.onPrepareRename(async ({ textDocument, position }) => {
    const asked = await productions.asked(textDocument.uri);
    const use = asked && nameAt(asked.file, fromPosition(position));
    return use === undefined ? null : { range: toRange(use.span), placeholder: use.name };
  });
  connection.onRenameRequest(async ({ textDocument, position, newName }: RenameParams) => {
    const asked = await productions.asked(textDocument.uri);
    const use = asked && nameAt(asked.file, fromPosition(position));
    if (asked === undefined || use === undefined) return null;
    const found = await renaming(asked.view, use, newName);
    if ('problem' in found) throw editor.refusal(found.problem);
    const note = noteOf(found, editor.annotates());
    if (note !== '')
      await connection.sendNotification('window/showMessage', { type: WARNING, message: note });
    const uriOf = (path: string): string => productions.uriOf(asked.view.folder, path);
    return editor.annotates()
      ? annotatedEdit(found, newName, uriOf)
      : { changes: changesOf(found.edits, newName, uriOf) };
  });
}

/** What the person has to know or do besides. */
function noteOf({ inCode, note }: Renaming, annotates: boolean): string {
  const places = inCode.map(({ path, span }) => `${path}:${span.start.line}`).join(', ');
  const byHand =
    annotates || places === '' ? '' : `Code may name it, too, and was left alone: ${places}.`;
  return [note, byHand].filter((one) => one !== '').join(' ');
}

type UriOf = (path: string) => string;

function changesOf(
  edits: readonly FileSpan[],
  newText: string,
  uriOf: UriOf,
): NonNullable<WorkspaceEdit['changes']> {
  return Object.fromEntries(
    [...Map.groupBy(edits, ({ path }) => path)].map(([path, own]) => [
      uriOf(path),
      own.map(({ span }): TextEdit => ({ range: toRange(span), newText })),
    ]),
  );
}

/** A message that needs no answer: a request would make some editors wait for one. */
const WARNING = 2;

const IN_CODE = 'in-code';

/** The places in code are shown to the person, who takes them or leaves them. */
function annotatedEdit({ edits, inCode }: Renaming, newText: string, uriOf: UriOf): WorkspaceEdit {
  const documents = (own: readonly FileSpan[], annotationId?: string): TextDocumentEdit[] =>
    Object.entries(changesOf(own, newText, uriOf)).map(([uri, changes]) => ({
      textDocument: { uri, version: null },
      edits:
        annotationId === undefined ? changes : changes.map((one) => ({ ...one, annotationId })),
    }));
  return {
    documentChanges: [...documents(edits), ...documents(inCode, IN_CODE)],
    changeAnnotations: {
      [IN_CODE]: {
        label: 'The same text in code',
        description: 'It may be this name, or another text that is equal.',
        needsConfirmation: true,
      },
    },
  };
}

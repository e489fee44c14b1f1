import type {
  CodeAction,
  CompletionItem,
  CompletionItemKind,
  Diagnostic,
  DocumentSymbol,
  Position as LspPosition,
  Range,
  SymbolKind,
  TextEdit,
} from 'vscode-languageserver';
import type { Problem } from '../../definition/problem.ts';
import type { Choice, ChoiceKind, Choices } from '../../language/complete.ts';
import type { Outline } from '../../language/navigate.ts';
import type { ProductionFile } from '../../language/production.ts';
import { type Remedy, spanOfProblem } from '../../language/remedies.ts';
import type { Position, Span } from '../../language/span.ts';

/** The protocol counts lines and characters from 0. */
const toPosition = ({ line, column }: Position): LspPosition => ({
  line: line - 1,
  character: column - 1,
});

export const fromPosition = ({ line, character }: LspPosition): Position => ({
  line: line + 1,
  column: character + 1,
});

export const toRange = ({ start, end }: Span): Range => ({
  start: toPosition(start),
  end: toPosition(end),
});

const SEVERITY = { error: 1, warning: 2 } as const;

export function toDiagnostic(problem: Problem, file: ProductionFile | undefined): Diagnostic {
  const { path, what, remedy, severity } = problem;
  const subject = path === '' ? '' : `${path}: `;
  return {
    range: toRange(spanOfProblem(file, problem)),
    severity: SEVERITY[severity],
    source: 'waybill',
    message: `${subject}${what}.${remedy === '' ? '' : ` ${remedy}`}`,
  };
}

const ITEM_KINDS: Readonly<Record<ChoiceKind, CompletionItemKind>> = {
  function: 3,
  path: 5,
  variable: 6,
  host: 9,
  key: 10,
  value: 12,
  name: 18,
};

export function toItems({ from, choices }: Choices, at: Position): CompletionItem[] {
  const range = toRange({ start: { line: at.line, column: from }, end: at });
  return choices.map((choice, index) => toItem(choice, { range, index }));
}

function toItem(
  { label, kind, detail, documentation, insert = label }: Choice,
  { range, index }: { readonly range: Range; readonly index: number },
): CompletionItem {
  return {
    label,
    kind: ITEM_KINDS[kind],
    filterText: label,
    // as the grammar and the standard order them
    sortText: String(index).padStart(5, '0'),
    textEdit: { range, newText: insert },
    ...(detail !== undefined && { detail }),
    ...(documentation !== undefined && {
      documentation: { kind: 'markdown', value: documentation },
    }),
  };
}

const SYMBOL_KINDS: Readonly<Record<Outline['kind'], SymbolKind>> = {
  section: 3,
  host: 5,
  entry: 7,
  step: 24,
  rule: 12,
  case: 6,
};

export function toSymbol({ name, kind, span, nameSpan, parts }: Outline): DocumentSymbol {
  return {
    name: name === '' ? '""' : name,
    kind: SYMBOL_KINDS[kind],
    range: toRange(span),
    selectionRange: toRange(nameSpan),
    children: parts.map(toSymbol),
  };
}

export function toAction(
  uri: string,
  { title, span, text, preferred }: Remedy,
  diagnostic: Diagnostic,
): CodeAction {
  const edit: TextEdit = { range: toRange(span), newText: text };
  return {
    title,
    kind: 'quickfix',
    diagnostics: [diagnostic],
    isPreferred: preferred,
    edit: { changes: { [uri]: [edit] } },
  };
}

import { Command } from 'commander';
import { allAdapters } from '../../../adapters/index.ts';
import { transformSchema } from '../../definition/grammar/transform-schema.ts';
import { productionSchema, testSchema } from '../../definition/schema.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { Grammar } from '../../language/production.ts';
import { missingPackage } from '../../peer/optional-package.ts';
import { serve } from '../lsp/serve.ts';
import { packageJson } from '../packaged.ts';
import { type ReadingFlags, readingOptions, readOptions } from '../reading.ts';

/** `waybill lsp`: what editors ask while somebody writes a production. */
export function lspCommand(): Command {
  return readingOptions(new Command('lsp'))
    .description(
      'Serves editors over standard input and output (Language Server Protocol): the problems of waybill check as you type, completion, explanations, definitions, references, renaming. It loads the code of productions that are opened, as check does.',
    )
    .option('--stdio', 'accepted because some editors add it; there is no other way')
    .action(serveEditor);
}

async function serveEditor(flags: ReadingFlags): Promise<void> {
  const install = missingPackage('vscode-languageserver');
  if (install !== undefined) {
    throw new EngineError(
      'CONFIG_INVALID',
      `The package vscode-languageserver is needed and is not installed with the engine. Install it beside the engine: ${install}.`,
    );
  }
  const { createConnection, ResponseError } = await import('vscode-languageserver/node');
  const output = process.stdout;
  // what code of a production prints must not get between the answers
  Object.defineProperty(process, 'stdout', { value: process.stderr });
  const connection = createConnection(process.stdin, output);
  serve(connection, {
    grammar: grammar(),
    options: readOptions(flags),
    version: packageJson().version,
    refusal: (text) => new ResponseError(INVALID_PARAMS, text),
  });
}

const INVALID_PARAMS = -32_602;

async function grammar(): Promise<Grammar> {
  return {
    production: productionSchema(await allAdapters()),
    transform: transformSchema(),
    tests: testSchema(),
  };
}

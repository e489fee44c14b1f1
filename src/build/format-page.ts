import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { productionForm } from '../definition/grammar/production-form.ts';
import { fillReference } from '../definition/reference.ts';
import { testSchema, transformSchema } from '../definition/schema.ts';

export const FORMAT_PAGE = 'docs/production-format.md';

/** What the tables of the page about the production format are made from. */
export const formatSchemas = {
  production: productionForm.schema(),
  transform: transformSchema(),
  test: testSchema(),
};

/** The page about the production format: its own words, with the tables of keys as the declarations say now. */
export function formatPage(root: string): string {
  return fillReference(readFileSync(join(root, FORMAT_PAGE), 'utf8'), formatSchemas);
}

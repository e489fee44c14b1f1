/// <reference types="vite/client" />
import type { Catalogue } from './language.ts';

const folders = import.meta.glob<Catalogue>('./de/*.ts', { eager: true, import: 'german' });

/** All German texts: one file for each folder of the console. How terms are translated: docs/console.md, Language. */
export const german: Catalogue = Object.assign({}, ...Object.values(folders));

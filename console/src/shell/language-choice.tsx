import type { ReactElement } from 'react';
import { Choice } from '../element/field.tsx';
import { LANGUAGES, type Language, language, speak } from '../language/language.ts';
import { t } from '../language/translate.ts';

/** The choice of the console's language. */
export function LanguageChoice(): ReactElement {
  return (
    <Choice
      label={t('Language')}
      value={language}
      onChange={({ target }) => speak(target.value as Language)}
    >
      {Object.entries(LANGUAGES).map(([code, name]) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </Choice>
  );
}

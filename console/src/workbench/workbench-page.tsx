import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { buttonStyle } from '../element/button.tsx';
import { Nothing } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { MaterialPanel } from './material-panel.tsx';
import { TokenPanel } from './token-panel.tsx';

/** What a token, a certificate or a key is, and whether the production would take it. */
export function WorkbenchPage(): ReactElement {
  const may = useMay();
  return (
    <Page
      title={t('Workbench')}
      detail={t('what a token, a certificate or a key is; nothing is kept')}
      actions={
        <Link to="/certificates" className={buttonStyle()}>
          {t('Certificates')}
        </Link>
      }
    >
      {may('connection.test') ? (
        <div className="grid items-start gap-4 xl:grid-cols-2">
          <TokenPanel />
          <MaterialPanel />
        </div>
      ) : (
        <Nothing>{t('You may not test connections, so you may not use this.')}</Nothing>
      )}
    </Page>
  );
}

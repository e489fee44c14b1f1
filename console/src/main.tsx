import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { answers } from './api/answers.ts';
import { router } from './router.tsx';
import { keepFocus } from './shell/keep-focus.ts';
import { keepShell } from './shell/keep-shell.ts';
import './styles.css';

const root = document.getElementById('console');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={answers}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
keepFocus();
keepShell();

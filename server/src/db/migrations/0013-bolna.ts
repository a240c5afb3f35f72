/**
 * Documents as Bolna's clients wrote them, beside the agents that they became, and what Bolna has
 * that stands for itself: names of model endpoints, stand-ins for speech providers, templates of
 * what is read out of a talk.
 */
export const sql = `
create table bolna_agents (
  agent_id text primary key references agents,
  workspace_id text not null references workspaces,
  document jsonb not null,
  warnings jsonb not null default '[]',
  -- The agent's version that the document describes; a later one was changed elsewhere.
  agent_version int not null
);
create index bolna_agents_by_workspace on bolna_agents (workspace_id);

create table provider_substitutions (
  workspace_id text not null references workspaces,
  provider text not null,
  replacement text not null,
  primary key (workspace_id, provider)
);

create table custom_models (
  workspace_id text not null references workspaces,
  name text not null,
  base_url text not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, name)
);

create table extraction_templates (
  id uuid primary key,
  workspace_id text not null references workspaces,
  kind text not null check (kind in ('extraction', 'disposition')),
  agent_ids text[] not null default '{}',
  document jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index extraction_templates_by_workspace on extraction_templates (workspace_id, kind, created_at, id);
`;

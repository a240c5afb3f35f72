/** Workspaces that were deleted kept their numbers, which nobody else could have. */
export const sql = `
delete from numbers n using workspaces w where w.id = n.workspace_id and w.deleted_at is not null;
update trunks t set active = false, deleted_at = w.deleted_at, updated_at = now()
  from workspaces w
  where w.id = t.workspace_id and w.deleted_at is not null and t.deleted_at is null;
`;

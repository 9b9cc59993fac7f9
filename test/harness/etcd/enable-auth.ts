import { toBase64, type EtcdGateway, type EtcdLogin } from "./gateway.ts";

/** Of all keys: from the first one, and on from it. */
const everyKey = { key: toBase64("\0"), range_end: toBase64("\0") };

/**
 * Makes the user, who may read and write every key, and root, who has the same password and may do all (etcd asks for one before it
 * lets anybody enable authentication).
 */
export async function enableAuth(endpoint: string, gateway: EtcdGateway, login: EtcdLogin): Promise<void> {
  const call = (path: string, body: object): Promise<object> => gateway.call(endpoint, path, body);
  await call("auth/user/add", { name: "root", password: login.password });
  await call("auth/role/add", { name: "root" });
  await call("auth/user/grant", { user: "root", role: "root" });
  if (login.user !== "root") {
    await call("auth/user/add", { name: login.user, password: login.password });
    await call("auth/role/add", { name: "every-key" });
    await call("auth/role/grant", { name: "every-key", perm: { permType: "READWRITE", ...everyKey } });
    await call("auth/user/grant", { user: login.user, role: "every-key" });
  }
  await call("auth/enable", {});
}

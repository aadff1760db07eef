// Secrets: rows, and a file for the value of each.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>

#include "image/json.h"
#include "machine/machine_name.h"
#include "machine/store/store.h"
#include "os/file_write.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::machine {

namespace {

Result<Secret> secret_of(Statement const& row) {
  Secret secret{
      .name = row.text(0), .id = row.text(1), .created = row.number(2), .updated = row.number(3)};
  auto const labels = BH_TRY(image::parse_object(row.text(4)));
  for (auto const& [name, value] : labels) {
    if (value.is_string()) secret.labels[name] = value.get_string();
  }
  return secret;
}

Result<> write_value(std::string const& path, std::string_view value) {
  auto const file = BH_TRY(os::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  BH_TRY(os::write_all(file, std::as_bytes(std::span(value))));
  if (::fsync(file.get()) != 0) return fail_errno("fsync " + path, errno);
  return {};
}

}  // namespace

Result<Secret> Store::add_secret(Secret secret, std::string_view value, Replace replace) {
  BH_TRY(check_name(secret.name));
  BH_TRY(os::make_folders(folder_of_secrets(), 0700));
  auto transaction = BH_TRY(Transaction::begin(database_));
  secret.id = random_id() + random_id();
  secret.created = secret.updated = now();
  auto const before = find_secret(secret.name);
  if (before && replace == Replace::No) {
    return fail(Errc::Exists, "secret \"" + secret.name +
                                  "\" is there already (--replace gives it another value)");
  }
  if (before) secret.created = before->created;
  BH_TRY(write_value(folder_of_secrets() + "/" + secret.id, value));
  auto insert = BH_TRY(database_.prepare(
      "INSERT OR REPLACE INTO secrets (name, id, created, updated, labels) VALUES (?, ?, ?, ?, "
      "?)"));
  boost::json::object labels;
  for (auto const& [name, text] : secret.labels) labels[name] = text;
  insert.bind(1, secret.name);
  insert.bind(2, secret.id);
  insert.bind(3, secret.created);
  insert.bind(4, secret.updated);
  insert.bind(5, std::string_view(boost::json::serialize(labels)));
  BH_TRY(insert.run());
  BH_TRY(transaction.commit());
  if (before) BH_TRY(sweep_secrets());
  return secret;
}

Result<std::vector<Secret>> Store::secrets() {
  auto query = BH_TRY(database_.prepare(
      "SELECT name, id, created, updated, labels FROM secrets ORDER BY created, rowid"));
  std::vector<Secret> secrets;
  while (true) {
    bool const more = BH_TRY(query.step());
    if (!more) return secrets;
    auto secret = BH_TRY(secret_of(query));
    secrets.push_back(std::move(secret));
  }
}

Result<Secret> Store::find_secret(std::string_view text) {
  auto const all = BH_TRY(secrets());
  auto found = std::ranges::find(all, text, &Secret::name);
  if (found == all.end()) found = std::ranges::find(all, text, &Secret::id);
  if (found != all.end()) return *found;
  return fail(Errc::NotFound, "no secret \"" + std::string(text) +
                                  "\" (`bulkhead secret ls` lists them, `bulkhead secret create` "
                                  "makes one)");
}

Result<std::vector<Record>> Store::users_of(Secret const& secret) {
  auto records = BH_TRY(all());
  std::erase_if(records, [&](Record const& record) {
    return std::ranges::find(record.definition.secrets, secret.name, &SecretUse::name) ==
           record.definition.secrets.end();
  });
  return records;
}

Result<> Store::remove_secret(std::string_view text) {
  {
    auto transaction = BH_TRY(Transaction::begin(database_));
    auto const secret = BH_TRY(find_secret(text));
    auto const users = BH_TRY(users_of(secret));
    if (!users.empty()) {
      auto const& user = users.front().name;
      return fail(Errc::Busy, "secret \"" + secret.name + "\" is in use by machine " + user +
                                  " (`bulkhead rm " + user + "` first)");
    }
    auto drop = BH_TRY(database_.prepare("DELETE FROM secrets WHERE name = ?"));
    drop.bind(1, secret.name);
    BH_TRY(drop.run());
    BH_TRY(transaction.commit());
  }
  return sweep_secrets();
}

Result<std::string> Store::read_secret(Secret const& secret) {
  auto value = os::read_text_at(AT_FDCWD, folder_of_secrets() + "/" + secret.id, kLargestSecret);
  if (!value) return std::unexpected(std::move(value).error().while_doing("secret " + secret.name));
  return value;
}

Result<std::vector<SecretValue>> Store::secrets_of(Definition const& definition) {
  if (definition.secrets.empty()) return std::vector<SecretValue>();
  // Nobody replaces a value between its row and its file.
  auto const transaction = BH_TRY(Transaction::begin(database_));
  std::vector<SecretValue> values;
  for (auto const& use : definition.secrets) {
    auto const secret = BH_TRY(find_secret(use.name));
    auto value = BH_TRY(read_secret(secret));
    BH_TRY(check_value(use, value));
    values.push_back({.use = use, .value = std::move(value)});
  }
  return values;
}

Result<std::vector<std::string>> Store::lost_secrets() {
  auto names = BH_TRY(os::names_in(AT_FDCWD, folder_of_secrets()));
  auto const known = BH_TRY(secrets());
  std::erase_if(names, [&](std::string const& name) {
    return std::ranges::find(known, name, &Secret::id) != known.end();
  });
  return names;
}

Result<> Store::sweep_secrets() {
  auto lost = BH_TRY(lost_secrets());
  if (lost.empty()) return {};
  // Who adds one has its file before its row, both within a transaction.
  auto transaction = BH_TRY(Transaction::begin(database_));
  lost = BH_TRY(lost_secrets());
  for (auto const& name : lost) ::unlink((folder_of_secrets() + "/" + name).c_str());
  return transaction.commit();
}

}  // namespace bh::machine

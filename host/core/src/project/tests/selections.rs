//! Which entities run.

use super::Scene;

fn scene() -> Scene {
    Scene::new(&[
        ("hygge.yml", ""),
        ("flows/shop/flow.yml", "home: in\nstore: out/shop\nentities: [users, orders]\n"),
        ("flows/crm/flow.yml", "home: in\nstore: out/crm\nentities: [users, leads]\n"),
        ("flows/lone/flow.yml", "home: in\nstore: out/lone\n"),
    ])
}

fn selected(flows: &[&str], entities: &[&str]) -> String {
    let scene = scene().request(|request| {
        request.flows = flows.iter().map(|&text| text.to_owned()).collect();
        request.entities = entities.iter().map(|&text| text.to_owned()).collect();
    });
    let plan = scene.plan();
    let names: Vec<String> = plan.entities.iter().map(|entity| entity.name.label()).collect();
    names.join(" ")
}

fn unknown(flows: &[&str], entities: &[&str]) -> String {
    scene()
        .request(|request| {
            request.flows = flows.iter().map(|&text| text.to_owned()).collect();
            request.entities = entities.iter().map(|&text| text.to_owned()).collect();
        })
        .mistakes()
}

#[test]
fn by_flow_and_by_entity() {
    assert_eq!(selected(&[], &[]), "crm_users crm_leads lone shop_users shop_orders");
    assert_eq!(selected(&["crm, lone"], &[]), "crm_users crm_leads lone");
    assert_eq!(selected(&["crm", "shop_orders"], &[]), "crm_users crm_leads shop_orders");
    assert_eq!(selected(&[], &["shop.users,crm.leads"]), "crm_leads shop_users");
    assert_eq!(selected(&["lone"], &["shop.users"]), "lone shop_users");
    assert_eq!(selected(&[], &["lone.lone"]), "lone");
}

#[test]
fn names_that_match_nothing() {
    insta::assert_snapshot!(unknown(&["crm,shopp"], &["users", "shop.order"]), @r"
    error: there is no flow named `shopp`
     --> --flow:1:5
      |
    1 | crm,shopp
      |     ^^^^^ did you mean `shop`?

    error: there is no entity named `users`
     --> --entity:1:1
      |
    1 | users
      | ^^^^^ did you mean `crm.users`?

    error: there is no entity named `shop.order`
     --> --entity:1:1
      |
    1 | shop.order
      | ^^^^^^^^^^ did you mean `shop.orders`?

    3 problems
    ");
    insta::assert_snapshot!(unknown(&["xyz", " , "], &[]), @r"
    error: `--flow` names nothing
     --> --flow:1:1
      |
    1 |  , 
      | ^^

    error: there is no flow named `xyz`
     --> --flow:1:1
      |
    1 | xyz
      | ^^^
      |
      = help: the flows are: crm, lone, shop

    2 problems
    ");
}

#[test]
fn what_was_not_asked_for_is_checked_too() {
    let scene = scene().request(|request| request.flows = vec!["crm".to_owned()]);
    scene.write("flows/lone/flow.yml", b"home: in\nstore: out/lone\nqueue_sise: 3\n");
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: unknown key `queue_sise`
     --> flows/lone/flow.yml:3:1
      |
    3 | queue_sise: 3
      | ^^^^^^^^^^ did you mean `queue_size`?

    1 problem in 1 file
    ");
}

#[test]
fn a_name_in_a_broken_file_is_not_called_unknown() {
    let scene = scene().request(|request| request.flows = vec!["lone".to_owned()]);
    scene.write("flows/lone/flow.yml", b"home: 'in\n");
    insta::assert_snapshot!(scene.mistakes(), @r"
    error: the quote that opens here is not closed
     --> flows/lone/flow.yml:1:7
      |
    1 | home: 'in
      |       ^ YAML cannot be read from here on
      |
      = help: add the closing quote

    1 problem in 1 file
    ");
}

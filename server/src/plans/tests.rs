//! Plans, told as stories on both engines.

use myrelay_app::contract::{AccountContract, AddPlan, PlanContract, PortalError};
use myrelay_domain::limits::QuotaEnd;

use crate::{
    context::Caller,
    testing::{Actor, stories},
};

/// A plan that can be added.
fn large() -> AddPlan {
    AddPlan {
        name: "Large".to_owned(),
        pods: "10".to_owned(),
        devices_per_pod: "1021".to_owned(),
        speed_down: "1000".to_owned(),
        speed_up: "250.5".to_owned(),
        quota: "2000".to_owned(),
        then: "stop".to_owned(),
        throttle: String::new(),
        ..AddPlan::default()
    }
}

async fn field(operator: &Actor<'_>, input: AddPlan) -> String {
    match operator.api().add_plan(input).await {
        Err(PortalError::Invalid { field, .. }) => field,
        other => panic!("it was to be refused: {other:?}"),
    }
}

stories! {
    async fn an_operator_adds_a_plan_and_makes_it_the_default(world) {
        let olga = world.operator("olga").await;
        assert!(olga.api().list_plans().await.unwrap().is_empty());
        let ana = world.customer("ana").await;
        olga.api().add_plan(large()).await.unwrap();
        let plans = olga.api().list_plans().await.unwrap();
        let [free, large] = &plans[..] else { panic!("two plans: {plans:?}") };
        assert_eq!((free.name.as_str(), free.accounts, free.is_default), ("Free", 1, true));
        assert_eq!((large.pods, large.devices_per_pod, large.is_default), (10, 1021, false));
        assert_eq!(large.traffic.speed.unwrap().up, 250_500_000);
        let quota = large.traffic.quota.unwrap();
        assert_eq!((quota.bytes, quota.then), (2_000_000_000_000, QuotaEnd::Stop));

        let (free, large) = (free.id.to_string(), large.id.to_string());
        olga.api().make_default_plan(&large).await.unwrap();
        olga.api().make_default_plan(&large).await.unwrap();
        let bob = world.customer("bob").await;
        assert_eq!(bob.api().account().await.unwrap().plan, "Large");
        assert_eq!(ana.api().account().await.unwrap().plan, "Free", "nobody's terms change");

        let taken = olga.api().remove_plan(&free).await.unwrap_err();
        assert!(taken.to_string().contains("accounts have this plan (1)"), "{taken}");
        let Caller::Account(id) = ana.caller else { panic!("an account") };
        olga.api().change_plan(&id.to_string(), &large).await.unwrap();
        assert_eq!(ana.api().account().await.unwrap().plan, "Large");
        olga.api().remove_plan(&free).await.unwrap();
        assert_eq!(olga.api().remove_plan(&free).await.unwrap_err().status(), 404);
        let default = olga.api().remove_plan(&large).await.unwrap_err();
        assert!(default.to_string().contains("new accounts"), "{default}");
        assert_eq!(olga.api().list_plans().await.unwrap().len(), 1);
    }

    async fn a_plan_that_makes_no_sense_is_refused_at_its_field(world) {
        let text = |it: &str| it.to_owned();
        let olga = world.operator("olga").await;
        for (input, expected) in [
            (AddPlan { name: text(" "), ..large() }, "name"),
            (AddPlan { pods: text("0"), ..large() }, "pods"),
            (AddPlan { pods: text("101"), ..large() }, "pods"),
            (AddPlan { devices_per_pod: text("1022"), ..large() }, "devices_per_pod"),
            (AddPlan { devices_per_pod: text("-1"), ..large() }, "devices_per_pod"),
            (AddPlan { speed_down: text("fast"), ..large() }, "speed_down"),
            (AddPlan { speed_down: text("0.01"), ..large() }, "speed_down"),
            (AddPlan { speed_up: text(""), ..large() }, "speed_up"),
            (AddPlan { speed_up: text("100001"), ..large() }, "speed_up"),
            (AddPlan { speed_down: text(""), ..large() }, "speed_down"),
            (AddPlan { quota: text("0"), ..large() }, "quota"),
            (AddPlan { quota: text("1,5"), ..large() }, "quota"),
            (AddPlan { then: text(""), ..large() }, "then"),
            (AddPlan { then: text("throttle"), ..large() }, "throttle"),
            (AddPlan { then: text("throttle"), throttle: text("0"), ..large() }, "throttle"),
        ] {
            assert_eq!(field(&olga, input.clone()).await, expected, "{input:?}");
        }
        olga.api().add_plan(large()).await.unwrap();
        assert_eq!(field(&olga, large()).await, "name", "it is taken");
        let without = AddPlan {
            name: text("Plain"),
            pods: text("1"),
            devices_per_pod: text("1"),
            ..AddPlan::default()
        };
        olga.api().add_plan(without).await.unwrap();
        let plans = olga.api().list_plans().await.unwrap();
        assert_eq!(plans[1].traffic, myrelay_domain::limits::TrafficLimits::default());
    }

    async fn plans_are_for_operators(world) {
        let olga = world.operator("olga").await;
        let ana = world.customer("ana").await;
        let Caller::Account(id) = ana.caller else { panic!("an account") };
        let plan = olga.api().list_plans().await.unwrap()[0].id.to_string();
        let (account, api) = (id.to_string(), ana.api());
        assert_eq!(api.list_plans().await.unwrap_err().status(), 403);
        assert_eq!(api.add_plan(large()).await.unwrap_err().status(), 403);
        assert_eq!(api.make_default_plan(&plan).await.unwrap_err().status(), 403);
        assert_eq!(api.remove_plan(&plan).await.unwrap_err().status(), 403);
        assert_eq!(api.change_plan(&account, &plan).await.unwrap_err().status(), 403);
        let nothing = "plan_00000000000000000000000000000001";
        for unknown in ["", "nonsense", nothing] {
            assert_eq!(olga.api().make_default_plan(unknown).await.unwrap_err().status(), 404);
            assert_eq!(olga.api().remove_plan(unknown).await.unwrap_err().status(), 404);
            assert_eq!(olga.api().change_plan(&account, unknown).await.unwrap_err().status(), 404);
        }
        let nobody = "acct_00000000000000000000000000000001";
        assert_eq!(olga.api().change_plan(nobody, &plan).await.unwrap_err().status(), 404);
    }
}
